//: result [[0,1,4],["a","b"],[3,2,1],[1,2],["x"]]
function* squares(n) { for (let i = 0; i < n; i++) yield i * i; }
async function* pages() { for (const p of ["a", "b"]) { await null; yield p; } }
class Countdown { constructor(n) { this.n = n; } *[Symbol.iterator]() { for (let i = this.n; i > 0; i--) yield i; } }
const stream = { i: 0, [Symbol.asyncIterator]() { return this; }, async next() { return ++this.i > 2 ? { done: true } : { value: this.i, done: false }; } };
export default async () => {
  const seen = [];
  for await (const p of pages()) seen.push(p);
  const more = [];
  for await (const p of stream) more.push(p);
  const none = [];
  for await (const p of new Set([Promise.resolve("x")])) none.push(p);
  return [[...squares(3)], seen, Array.from(new Countdown(3)), more, none];
};
