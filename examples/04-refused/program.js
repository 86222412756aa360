import { add_comment, list_issues, update_issue } from "mcp:demo";

export default async function () {
  const issues = await list_issues({ state: "open", per_page: 10000 });
  const stale = issues.filter((issue) => issue.comments === 0 && issue.created_at < "2023-02-01");
  for (const { number } of stale) {
    await add_comment({ number, body: "Closed: nobody answered." });
    await update_issue({ number, state: "closed" });
  }
  return { closed: stale.length };
}
