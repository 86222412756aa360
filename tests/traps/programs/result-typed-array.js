//: fails TypeError: the result is not JSON: an Uint8Array
export default () => new Uint8Array(3);
