//: fails NotFound: nobody; caused by ToolError: failed on purpose: inner
//: at 4:79
import { alwaysFails } from "mcp:demo";
class NotFound extends Error { constructor(message, options) { super(message, options); this.name = "NotFound"; } }
export default async () => {
  try { await alwaysFails({ reason: "inner" }); } catch (cause) { if (1) throw new NotFound("nobody", { cause }); }
};
