//: fails Error: a promise was rejected and nothing handled it: lost
//: at 3:65
export default () => new Promise(async (resolve) => { throw new Error("lost"); });
