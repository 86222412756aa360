//: fails ToolError: failed on purpose: alone
//: at 4:35
import { alwaysFails } from "mcp:demo";
export default async () => (await alwaysFails({ reason: "alone" })).x;
