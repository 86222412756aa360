//: result {"a":1,"point":{"x":1,"y":2},"boxed":["s",1,true],"got":5}
class Point { #hidden = 9; constructor() { this.x = 1; this.y = 2; } get z() { return this.#hidden; } }
export default () => Object.assign(Object.create(null), { a: 1, point: new Point(), boxed: [new String("s"), new Number(1), new Boolean(true)], get got() { return 5; } });
