//: result {"count":2}
class Counter { #n = 0; static #made = 0; static { Counter.#made++; } add(k) { this.#n += k; return { count: this.#n }; } get made() { return Counter.#made; } }
const counter = new Counter();
counter.add(1);
export default counter.add.bind(counter, 1);
