//: fails Error: nothing handled it: lost
const on = (callback) => { callback(); };
export default () => { on(async () => { throw new Error("lost"); }); return 1; };
