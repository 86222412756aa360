//: input {"names":["ada","bob"]}
//: result {"sizes":[3,3],"level":"High","max":9,"pair":["x",1],"shape":"circle","n":2,"first":"Deal"}
//: calls 1
import { listDeals, type Whatever } from "mcp:demo";
import type { Deal } from "mcp:demo";
interface Input { names: string[]; optional?: number }
type Shape = { kind: "circle"; r: number } | { kind: "square"; side: number };
enum Level { Low = 1, High }
const enum Fixed { A = 9 }
namespace Tools { export const size = (s: string): number => s.length; }
declare const nothing: number;
abstract class Base<T> {
  constructor(protected readonly value: T) {}
  abstract name(): string;
  get it(): T { return this.value; }
}
class Named extends Base<string> {
  #secret?: number = 1;
  override name(): string { return this.value + (this.#secret ?? ""); }
}
function identity<T extends unknown>(x: T): T;
function identity(x: any) { return x; }
const pair = ["x", 1] as const satisfies readonly [string, number];
function area(shape: Shape): string {
  switch (shape.kind) { case "circle": case "square": return shape.kind; }
}
function assertIsDefined<T>(val: T): asserts val is NonNullable<T> { if (val == null) throw new Error("no"); }
export default async function main(this: void, input: Input): Promise<Record<string, unknown>> {
  const deals = (await listDeals({ per_page: 1 })) as Array<{ id: number }>;
  assertIsDefined(deals);
  const generic = identity<number>(deals!.length + 1);
  const arrow = <T,>(x: T) => x;
  let sizes: number[] = input.names.map(Tools.size);
  return { sizes, level: Level[Level.High], max: Fixed.A, pair, shape: area({ kind: "circle", r: 1 }), n: arrow(generic), first: new Named("Deal").it };
}
