//: fails ToolError: failed on purpose: early
//: at 4:25
import { alwaysFails } from "mcp:demo";
const first = 1 + await alwaysFails({ reason: "early" });
export default async () => first;
