//: result [{"a":1},{"a":1},{"b":{"a":1}}]
export default () => { const a = { a: 1 }; return [a, a, { b: a }]; };
