//: deadlock
Promise.prototype.then = () => {};
export default async () => { await null; return Promise.resolve(1); };
