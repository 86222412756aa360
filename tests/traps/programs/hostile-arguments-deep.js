//: fails ToolError: the arguments are not JSON: a value more than 120 levels deep at /x/x/x
//: calls 0
import { getIssue } from "mcp:demo";
export default () => { let x = 1; for (let i = 0; i < 1e5; i++) x = { x }; return getIssue(x); };
