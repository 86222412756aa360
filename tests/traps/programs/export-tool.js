//: result 1
//: input {"number":1}
import { getIssue } from "mcp:demo";
const pick = (f) => async (input) => (await f(input)).number;
export default pick(getIssue);
