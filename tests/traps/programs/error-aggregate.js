//: fails AggregateError: all promises were rejected: ToolError: failed on purpose: a; Error: b
import { alwaysFails } from "mcp:demo";
export default () => Promise.any([alwaysFails({ reason: "a" }), Promise.reject(new Error("b"))]);
