//: fails thrown value: undefined
export default () => { throw undefined; };
