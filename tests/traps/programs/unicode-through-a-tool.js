//: result ["née 😀 \" \\ \n \u0001","a�b"]
import { slowEcho } from "mcp:demo";
const echo = async (text) => { const r = await slowEcho({ text, delay_ms: 0 }); return r.text ?? r; };
export default async () => [await echo("née 😀 \" \\ \n \u0001"), await echo("a\ud800b")];
