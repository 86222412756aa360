//: fails ToolError: nothing handled it: failed on purpose: 2
import { alwaysFails } from "mcp:demo";
export default () => { [1, 2].forEach(async (n) => { if (n === 2) await alwaysFails({ reason: `${n}` }); }); };
