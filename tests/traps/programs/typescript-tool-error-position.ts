//: fails ToolError: failed on purpose: there
//: at 8:20
import { alwaysFails } from "mcp:demo";
type A = { a: number };
const later = async <T>(x: T): Promise<T> => {
  if (x) {
    const n: number = 1;
    return (await (alwaysFails as any)({ reason: "there" })) as T;
  }
  return x;
};
export default async (): Promise<unknown> => later<boolean>(true);
