//: fails Error: nothing handled it: lost
async function lose() { throw new Error("lost"); }
export default () => { void lose(); return 1; };
