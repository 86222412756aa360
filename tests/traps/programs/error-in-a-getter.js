//: fails TypeError: cannot read property 'deep' of undefined
//: at 3:33
export default () => ({ get x() { return undefined.deep; } });
