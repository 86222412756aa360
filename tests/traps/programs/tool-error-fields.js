//: result {"is":true,"error":true,"name":"ToolError","kind":"tool-failed","tool":"demo/always_fails","message":"failed on purpose: x","stack":true,"text":"ToolError: failed on purpose: x"}
import { alwaysFails } from "mcp:demo";
export default async function () {
  try {
    await alwaysFails({ reason: "x" });
  } catch (e) {
    return { is: e instanceof ToolError, error: e instanceof Error, name: e.name, kind: e.kind, tool: e.tool, message: e.message, stack: e.stack.includes("user.js"), text: String(e) };
  }
}
