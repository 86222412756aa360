//: fails Error: nothing handled it: lost 1
async function lose(n) { throw new Error(`lost ${n}`); }
export default () => { [1].forEach(lose); };
