import { addComment, listIssues, updateIssue } from "mcp:demo";

export default async function ({ before, most }) {
  const issues = await listIssues({ state: "open", per_page: 10000 });
  const stale = issues.filter((issue) => issue.comments === 0 && issue.created_at < before).slice(0, most);
  // All at once: calls that wait for a person wait together, and are asked for together.
  await Promise.all(stale.map(async ({ number }) => {
    await addComment({ number, body: "Closed: nobody answered." });
    await updateIssue({ number, state: "closed" });
  }));
  return { closed: stale.map((issue) => issue.number) };
}
