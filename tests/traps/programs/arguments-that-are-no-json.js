//: result ["NaN at /number","a bigint at /number","a function at /number","a symbol at /x/0","a Map (`Object.fromEntries` makes an object of it) at /labels","a Set (`[...value]` makes an array of it) at /labels","a Promise (is an `await` missing?) at /number","a value that holds itself at /self","an invalid Date at /since"]
import { getIssue } from "mcp:demo";
const self = {};
self.self = self;
export default async function () {
  const bad = [{ number: NaN }, { number: 1n }, { number() {} }, { x: [Symbol("s")] }, { labels: new Map() }, { labels: new Set() }, { number: Promise.resolve(1) }, self, { since: new Date(NaN) }];
  const out = [];
  for (const args of bad) {
    try {
      await getIssue(args);
      out.push("fine");
    } catch (e) {
      out.push(e.message.replace("the arguments are not JSON: ", ""));
    }
  }
  return out;
}
