//: fails ToolError: nothing handled it: failed on purpose: x
import { alwaysFails } from "mcp:demo";
export default () => { const calls = { first: alwaysFails({ reason: "x" }) }; return Object.keys(calls); };
