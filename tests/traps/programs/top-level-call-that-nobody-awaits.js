//: fails ToolError: nothing handled it: failed on purpose: early
//: at 4:1
import { alwaysFails } from "mcp:demo";
alwaysFails({ reason: "early" });
export default async () => 1;
