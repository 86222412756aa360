//: result 1
//: logs at inner (console-error-stack.ts:8:52)
interface Wide {
  a: number;
}

type T = Wide["a"];
const inner = (x: T): Error => new Error(`caught ${x}`);
export default (): number => {
  console.error("it failed:", inner(1));
  return 1;
};
