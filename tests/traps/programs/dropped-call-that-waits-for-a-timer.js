//: result 1
//: calls 1
import { slowEcho } from "mcp:demo";
const later = async () => { await new Promise((r) => setTimeout(r, 10)); await slowEcho({ text: "x", delay_ms: 0 }); };
export default () => { later(); return 1; };
