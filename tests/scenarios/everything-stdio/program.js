// A text, a structured result, a list of blocks with an image among them; both spellings of a tool's name.
import { echo, getSum, getTinyImage } from "mcp:everything";
import { "get-structured-content" as weather } from "mcp:everything";

export default async function (input) {
  const blocks = await getTinyImage();
  return {
    echo: await echo({ message: input.message }),
    sum: await getSum({ a: 2, b: 40 }),
    weather: await weather({ location: "Chicago" }),
    blocks: blocks.map(({ type, mimeType }) => mimeType ?? type),
  };
}
