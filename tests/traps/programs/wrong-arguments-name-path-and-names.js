//: fails ToolError: `numbr`
//: calls 0
import { getIssue } from "mcp:demo";
export default () => getIssue({ number: 1, numbr: "secret" });
