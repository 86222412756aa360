//: fails TypeError: the default export is not a function but 42
const x = 42;
export { x as default };
