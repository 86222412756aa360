// Wants to write, which nobody granted: refused before the server sees anything.
import { readTextFile, writeFile } from "mcp:files";

export default async function () {
  const { content } = await readTextFile({ path: "numbers.txt" });
  await writeFile({ path: "numbers.txt", content: `${content}four\n` });
}
