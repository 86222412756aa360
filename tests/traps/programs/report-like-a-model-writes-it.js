//: input {"country":"Norway","top":2}
//: result {"country":"Norway","found":true,"top":2,"sorted":true,"stages":true}
//: calls 2
//: logs found
// Build a small report of the open deals in a country.
import { searchContacts, listDeals } from "mcp:demo";

/**
 * @param {{country: string, top?: number}} input
 */
export default async function main({ country, top = 3 } = {}) {
  const contacts = await searchContacts({ country, limit: 1000 });
  console.log(`found ${contacts.length} contacts in ${country}`);
  const byId = new Map(contacts.map((c) => [c.id, c]));
  const deals = (await listDeals({ per_page: 10_000 })).filter((d) => byId.has(d.id) && !["won", "lost"].includes(d.stage));
  const sorted = deals.toSorted((a, b) => b.amount - a.amount || a.id - b.id).slice(0, top);
  const stages = Object.groupBy(deals, (d) => d.stage);
  return {
    country,
    found: contacts.every(({ country: c }) => c === country),
    top: sorted.length,
    sorted: sorted.every((d, i, all) => i === 0 || all[i - 1].amount >= d.amount),
    stages: Object.values(stages).flat().length === deals.length,
  };
}
