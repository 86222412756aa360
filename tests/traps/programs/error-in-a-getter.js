//: fails TypeError: cannot read property 'deep' of undefined
//: at 3:42
export default () => ({ get x() { return undefined.deep; } });
