//: result "failed on purpose: x"
import { alwaysFails } from "mcp:demo";
Error.prepareStackTrace = () => 42;
Error.stackTraceLimit = 0;
export default async () => { try { await alwaysFails({ reason: "x" }); } catch (e) { return e.message; } };
