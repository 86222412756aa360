//: fails RangeError: 
const a = { toJSON() { return JSON.stringify(a); } };
export default () => JSON.stringify(a);
