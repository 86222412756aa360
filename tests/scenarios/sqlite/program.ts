// TypeScript: types are stripped. The server answers with Python literals, which are no JSON and so arrive as text.
import { createTable, readQuery, writeQuery } from "mcp:db";

interface Row {
  name: string;
  amount: number;
}

export default async function (input: { rows: Row[] }): Promise<unknown> {
  await createTable({ query: "CREATE TABLE deal (name TEXT, amount INTEGER)" });
  const values = input.rows.map(({ name, amount }: Row) => `('${name.replaceAll("'", "''")}', ${amount})`);
  const written: string = await writeQuery({ query: `INSERT INTO deal VALUES ${values.join(", ")}` });
  const sums = (await readQuery({ query: "SELECT count(*) AS deals, sum(amount) AS total FROM deal" })) as string;
  const notASelect = await readQuery({ query: "DROP TABLE deal" }).catch((error: Error) => error.message);
  return { written, sums: JSON.parse(sums.replaceAll("'", '"')), notASelect };
}
