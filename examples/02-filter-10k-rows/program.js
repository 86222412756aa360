import { listIssues } from "mcp:demo";

export default async function (input) {
  const label = input?.label ?? "security";
  const issues = await listIssues({ per_page: 10000 });
  const waiting = issues.filter(
    (issue) => issue.state === "open" && issue.priority === "urgent" && issue.assignee === null && issue.labels.includes(label),
  );
  return {
    read: issues.length,
    waiting: waiting.map(({ number, title, customer, created_at }) => ({ number, title, customer, created_at })),
  };
}
