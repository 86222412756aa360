//: result 1
export default () => { const bad = { toString() { throw 1; }, toJSON() { throw 2; }, get x() { throw 3; } }; console.log(bad, [bad], new Error("e", { cause: bad })); console.log(Object.create(null), new Proxy({}, {})); return 1; };
