//: builds-not `listIssuez`
//: at 4:19
//: hint `listIssues`
import { getIssue, listIssuez } from "mcp:demo";
export default () => 1;
