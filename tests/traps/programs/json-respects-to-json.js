//: result {"when":"2024-02-29T12:00:00.000Z","price":"12.00 €","left":{"a":1},"list":[1,null,2],"big":"7"}
BigInt.prototype.toJSON = function () { return this.toString(); };
class Money {
  constructor(n) { this.n = n; }
  toJSON() { return `${this.n.toFixed(2)} €`; }
}
export default () => ({ when: new Date(Date.UTC(2024, 1, 29, 12)), price: new Money(12), left: { a: 1, b: undefined }, list: [1, undefined, 2], big: 7n });
