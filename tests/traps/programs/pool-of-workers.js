//: result [10,true]
//: calls 10
import { getIssue } from "mcp:demo";
async function pool(items, size, work) {
  const results = [];
  let next = 0;
  const worker = async () => { while (next < items.length) { const i = next++; results[i] = await work(items[i]); } };
  await Promise.all(Array.from({ length: size }, worker));
  return results;
}
export default async () => {
  const all = await pool([...Array(10).keys()], 3, (i) => getIssue({ number: i + 1 }));
  return [all.length, all.every((issue, i) => issue.number === i + 1)];
};
