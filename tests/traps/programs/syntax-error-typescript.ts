//: builds-not syntax-error-typescript.ts:8:19
//: at 8:19
interface A {
  a: number;
}
export default function (input: A): number {
  const b: number = 1;
  return input.a +* b;
}
