//: fails Error: nothing handled it: lost
const lose = async () => { await null; throw new Error("lost"); };
export default () => { const p = lose(); return 1; };
