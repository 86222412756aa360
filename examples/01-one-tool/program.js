import { listIssues } from "mcp:demo";

export default async function (input) {
  const issues = await listIssues({ state: "open", label: input.label, per_page: 10000 });
  return { label: input.label, open: issues.length };
}
