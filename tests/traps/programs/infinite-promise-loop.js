//: limit cpu
export default async () => { for (;;) await null; };
