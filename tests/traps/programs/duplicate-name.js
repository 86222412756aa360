//: builds-not `a` has already been declared
//: at 4:7
const a = 1;
const a = 2;
export default () => a;
