//: builds-not `listIssuez`
//: at 8:3
interface Many {
  a: number;
}
import {
  getIssue,
  listIssuez,
} from "mcp:demo";
export default (x: Many) => [getIssue, listIssuez];
