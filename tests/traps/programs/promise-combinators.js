//: result {"all":[1,2],"settled":["fulfilled","rejected"],"race":"fast","any":"ok","none":[1],"try":1,"with":2}
//: calls 6
import { slowEcho, alwaysFails, getIssue } from "mcp:demo";
const numbers = (list) => list.map((i) => i.number);
export default async () => {
  const all = numbers(await Promise.all([getIssue({ number: 1 }), getIssue({ number: 2 })]));
  const settled = (await Promise.allSettled([getIssue({ number: 1 }), alwaysFails({})])).map((s) => s.status);
  const race = await Promise.race([slowEcho({ text: "slow", delay_ms: 60 }), slowEcho({ text: "fast", delay_ms: 0 })]);
  const any = await Promise.any([Promise.reject(new Error("x")), Promise.resolve("ok")]);
  let none;
  try { await Promise.any([Promise.reject(1)]); } catch (e) { none = e.errors; }
  const { promise, resolve } = Promise.withResolvers();
  resolve(2);
  return { all, settled, race: race.text ?? race, any, none, try: await Promise.try(() => 1), with: await promise };
};
