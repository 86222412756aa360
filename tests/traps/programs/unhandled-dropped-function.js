//: fails Error: a promise was rejected and nothing handled it: lost
//: at 3:38
const lose = async () => { throw new Error("lost"); };
export default () => { lose(); return 1; };
