//: fails ReferenceError: a program is an ES module
module.exports = async function () {};
export default () => 1;
