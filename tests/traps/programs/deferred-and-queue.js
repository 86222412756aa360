//: result [1,2,3]
class Queue {
  #items = []; #waiting = [];
  push(x) { const w = this.#waiting.shift(); if (w) w(x); else this.#items.push(x); }
  next() { return this.#items.length ? Promise.resolve(this.#items.shift()) : new Promise((r) => this.#waiting.push(r)); }
}
export default async () => {
  const queue = new Queue(), out = [];
  const consumer = (async () => { while (out.length < 3) out.push(await queue.next()); })();
  for (const x of [1, 2, 3]) { await null; queue.push(x); }
  await consumer;
  return out;
};
