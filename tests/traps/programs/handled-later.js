//: result ["one","two","three","four"]
import { alwaysFails, slowEcho } from "mcp:demo";
const lose = async (text) => { throw new Error(text); };
let task;
const start = () => (task = lose("two"));
export default async function () {
  const out = [];
  const p = lose("one");
  start();
  const all = ["three"].map(async (text) => { throw new Error(text); });
  const call = alwaysFails({ reason: "four" });
  await slowEcho({ text: "", delay_ms: 20 });
  for (const q of [p, task, ...all, call]) {
    try { await q; } catch (e) { out.push(e.message.replace("failed on purpose: ", "")); }
  }
  return out;
}
