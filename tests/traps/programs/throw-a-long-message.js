//: fails Error: xxxxxxxx
export default () => { throw new Error("x".repeat(1e7)); };
