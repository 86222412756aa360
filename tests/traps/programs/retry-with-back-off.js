//: result {"tries":3,"kind":"tool-failed"}
//: calls 3
import { alwaysFails } from "mcp:demo";
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function retry(fn, { times = 3, wait = 1 } = {}) {
  let last;
  for (let i = 0; i < times; i++) {
    try { return await fn(i); } catch (e) { last = e; if (!(e instanceof ToolError) || e.kind !== "tool-failed") throw e; await sleep(wait * 2 ** i); }
  }
  throw Object.assign(last, { tries: times });
}
export default async () => { try { return await retry(() => alwaysFails({ reason: "no" })); } catch (e) { return { tries: e.tries, kind: e.kind }; } };
