//: result [3,3,true]
//: calls 3
import { list_issues, listIssues as many, get_issue as one } from "mcp:demo";
export default async () => [
  (await list_issues({ per_page: 3 })).length,
  (await many({ per_page: 3 })).length,
  (await one({ number: 7 })).number === 7,
];
