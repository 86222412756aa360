//: limit cpu
const spin = async () => { for (;;) await null; };
export default () => { spin(); return 1; };
