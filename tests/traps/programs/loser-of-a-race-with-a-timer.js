//: result "call"
import { slowEcho } from "mcp:demo";
const timeout = (ms) => new Promise((_, reject) => setTimeout(() => reject(new Error("too slow")), ms));
export default async () => { await Promise.race([slowEcho({ text: "x", delay_ms: 1 }), timeout(30_000)]); return "call"; };
