//: fails TypeError: boom 3
//: at 14:35
interface Row {
  id: number;
  name: string;
}

type Rows = Row[];

function check(rows: Rows): void {
  const strange = (row: Row): boolean => row.id > 2;
  for (const row of rows as Row[]) {
    if (strange(row)) {
      throw new TypeError(`boom ${row.id}`);
    }
  }
}

export default async (input: unknown): Promise<void> => {
  await Promise.resolve();
  check([{ id: 1, name: "a" }, { id: 3, name: "b" }]);
};
