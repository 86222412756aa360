//: fails stack overflow: too deeply
const a = { toJSON() { return JSON.stringify(a); } };
export default () => JSON.stringify(a);
