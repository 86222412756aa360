//: result "done"
//: calls 1
import { slowEcho } from "mcp:demo";
export default () => { slowEcho({ text: "kept", delay_ms: 30 }); return "done"; };
