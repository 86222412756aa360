//: builds-not `listIssuez`
//: at 4:20
//: hint `listIssues`
import { getIssue, listIssuez } from "mcp:demo";
export default () => 1;
