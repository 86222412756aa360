//: fails Error: getter
export default () => ({ get a() { throw new Error("getter"); } });
