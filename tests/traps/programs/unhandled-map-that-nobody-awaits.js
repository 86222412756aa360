//: fails Error: nothing handled it: lost
export default () => { const all = [1, 2].map(async (n) => { if (n > 1) throw new Error("lost"); }); return all.length; };
