//: fails RangeError: early
//: at 4:13
const x = 1;
  throw new RangeError("early");
export default () => 1;
