//: result 50
//: calls 50
import { slowEcho } from "mcp:demo";
export default async () => (await Promise.all(Array.from({ length: 50 }, (_, i) => slowEcho({ text: `${i}`, delay_ms: 10 })))).length;
