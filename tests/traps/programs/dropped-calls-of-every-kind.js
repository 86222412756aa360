//: result "done"
//: calls 12
import { slowEcho } from "mcp:demo";
const echo = async (n) => slowEcho({ text: `${n}`, delay_ms: 5 });
const unnamed = { go: (n) => echo(n) };
export default function () {
  echo(1);
  const unused = echo(2);
  void echo(3);
  [4].forEach(async (n) => { await echo(n); });
  [5].forEach((n) => echo(n));
  [6].forEach(echo);
  const used = echo(7);
  const all = [8, 9].map(async (n) => { await null; await echo(n); });
  unnamed?.go?.(10).then((x) => x);
  (async () => { await null; await echo(11); })();
  if (used && all) setTimeout(() => {}, 0);
  true && slowEcho({ text: "12", delay_ms: 0 });
  return "done";
}
