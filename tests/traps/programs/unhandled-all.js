//: fails Error: nothing handled it: lost
const lose = async () => { throw new Error("lost"); };
export default () => { const all = Promise.all([lose(), 1]); return typeof all; };
