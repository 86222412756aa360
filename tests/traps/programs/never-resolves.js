//: deadlock
export default () => new Promise(() => {});
