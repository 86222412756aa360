//: result ["number",true,6]
import { getIssue } from "mcp:demo";
export default async () => {
  const issue = await getIssue({ number: 5 });
  return [typeof issue.number, Number.isInteger(issue.number), issue.number + 1];
};
