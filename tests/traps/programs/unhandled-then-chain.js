//: fails TypeError: nothing handled it: 
import { getIssue } from "mcp:demo";
export default () => { getIssue({ number: 1 }).then((issue) => issue.no.such).then(console.log); return 1; };
