//: fails ReferenceError: comes in as `input`
export default () => process.env.HOME;
