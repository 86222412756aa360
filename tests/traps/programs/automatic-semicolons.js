//: result [3,"x",2,1]
import { getIssue } from "mcp:demo"
let n = 1
n
++
n
const f = () => { n++ }
f()
const o = { x: "x" }
const { x } = o
;(() => { n })()
const t = async () => {
  return
  1
}
t()
;`template as statement`
export default async () => {
  const r = (await getIssue({ number: 1 })).number
  ;[n].forEach(k => k)
  await t()
  return [n, x, [1, 2]
    .length, r]
}
