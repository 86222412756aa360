// Reads, writes, reads again; the server's own refusal is a value that the program sees.
import { list_directory, readTextFile, writeFile } from "mcp:files";

export default async function () {
  const { content } = await readTextFile({ path: "numbers.txt" });
  await writeFile({ path: "copy.txt", content: content.toUpperCase() });
  const copy = await readTextFile({ path: "copy.txt", head: 2 });
  const listed = await list_directory({ path: "." });
  const outside = await readTextFile({ path: "/etc/hostname" }).catch((error) => error);
  return {
    copy: copy.content,
    listed: listed.content.split("\n").sort(),
    outside: { kind: outside.kind, denied: outside.message.startsWith("Access denied") },
  };
}
