//: fails ToolError: mine
import { alwaysFails } from "mcp:demo";
export default async () => { try { await alwaysFails({}); } catch (e) { e.kind = "no such kind"; e.tool = {}; e.detail = 1n; e.message = "mine"; throw e; } };
