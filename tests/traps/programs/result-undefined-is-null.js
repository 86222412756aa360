//: result null
export default () => {};
