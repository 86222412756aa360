//: limit cpu
export default () => { let x = 3n; for (;;) x = (x ** 3n) & ((1n << 200000n) - 1n); };
