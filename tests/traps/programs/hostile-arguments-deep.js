//: fails
import { getIssue } from "mcp:demo";
export default () => { let x = 1; for (let i = 0; i < 1e5; i++) x = { x }; return getIssue(x); };
