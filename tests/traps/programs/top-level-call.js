//: result [1,2]
//: calls 2
import { getIssue } from "mcp:demo";
const issue = await getIssue({ number: 1 });
const later = getIssue({ number: 2 });
export default async () => [issue.number, (await later).number];
