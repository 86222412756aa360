//: result [10000,true,"number"]
//: calls 1
import { listIssues } from "mcp:demo";
export default async () => {
  const rows = await listIssues({ per_page: 10000 });
  const start = performance.now();
  const text = JSON.stringify(rows);
  return [rows.length, text.length > 1e6, typeof (performance.now() - start)];
};
