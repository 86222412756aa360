//: result {"type":"object"}
import type { listIssues } from "mcp:demo";
type F = typeof listIssues;
export default ((x?: F) => ({ type: typeof {} as "object" })) satisfies (x?: F) => { type: string };
