import { listDeals } from "mcp:crm";
import { listIssues } from "mcp:tracker";

export default async function (input) {
  const [issues, deals] = await Promise.all([
    listIssues({ state: "open", per_page: 10000 }),
    listDeals({ stage: "negotiation", per_page: 10000 }),
  ]);

  const accounts = new Map(); // company -> { company, amount, deals, issues }
  for (const deal of deals) {
    const account = accounts.get(deal.company) ?? { company: deal.company, amount: 0, deals: 0, issues: [] };
    account.amount += deal.amount;
    account.deals += 1;
    accounts.set(deal.company, account);
  }
  for (const issue of issues) {
    if (issue.priority === "urgent") accounts.get(issue.customer)?.issues.push(issue.number);
  }

  const atRisk = [...accounts.values()].filter((account) => account.issues.length > 0);
  atRisk.sort((a, b) => b.amount - a.amount || (a.company < b.company ? -1 : 1));
  return { companies: atRisk.length, top: atRisk.slice(0, input.top) };
}
