//: fails TypeError: the result is not JSON: Error: getter
export default () => ({ get a() { throw new Error("getter"); } });
