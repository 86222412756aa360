//: deadlock
//: calls 1
import { getIssue } from "mcp:demo";
export default async () => { await getIssue({ number: 1 }); await new Promise(() => {}); };
