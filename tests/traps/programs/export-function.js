//: input [1,2,3]
//: result 6
export default function (input) { return input.reduce((a, b) => a + b, 0); }
