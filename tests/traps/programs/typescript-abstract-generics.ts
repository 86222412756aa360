//: result {"a":[1,3],"b":[2]}
export default async function <const T>(input: T): Promise<Record<string, number[]>> {
  const groups = Object.groupBy([{ k: "a", v: 1 }, { k: "b", v: 2 }, { k: "a", v: 3 }], ({ k }) => k) as Record<string, { k: string; v: number }[]>;
  const out: { [key: string]: number[] } = {};
  for (const [key, rows] of Object.entries<{ v: number }[]>(groups)) out[key] = rows!.map(<U extends { v: number }>(r: U) => r.v);
  return out;
}
