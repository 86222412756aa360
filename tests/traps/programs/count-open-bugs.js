//: input {"label":"bug"}
//: result true
//: calls 1
import { listIssues } from "mcp:demo";
export default async function (input) {
  const issues = await listIssues({ state: "open", per_page: 100 });
  return issues.filter(i => i.labels.includes(input.label)).length > 0;
}
