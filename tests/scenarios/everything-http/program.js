// Twenty calls at once over streamable HTTP, and one that is refused by the tool's schema.
import { echo, getResourceLinks, getSum } from "mcp:everything";

export default async function () {
  const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`);
  const echoes = await Promise.all(texts.map((message) => echo({ message })));
  const failed = await getResourceLinks({ count: 11 }).catch((error) => error);
  return {
    inOrder: echoes.every((echo, index) => echo === `Echo: ${texts[index]}`),
    sum: await getSum({ a: 0.5, b: 0.25 }),
    failed: { isToolError: failed instanceof ToolError, kind: failed.kind, tool: failed.tool, message: failed.message },
  };
}
