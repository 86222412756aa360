//: limit cpu
Promise.prototype.then = () => { for (;;); };
export default async () => Promise.resolve(1);
