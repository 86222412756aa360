//: fails TypeError: the result is not JSON: a value more than 120 levels deep at /0/0/0
export default () => { let x = 1; for (let i = 0; i < 1e5; i++) x = [x]; return x; };
