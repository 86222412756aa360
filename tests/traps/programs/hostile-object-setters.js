//: result {"mine":1}
//: calls 1
import { getIssue } from "mcp:demo";
for (const key of ["kind", "tool", "payload", "main", "body", "toJSON_", "stack", "then_"]) Object.defineProperty(Object.prototype, key, { get() { return undefined; }, set() {}, configurable: true });
export default async () => { await getIssue({ number: 1 }); return { mine: 1 }; };
