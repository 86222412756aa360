//: input {"a":{"b":[1,{"c":"deep"}]},"rest":1,"more":2}
//: result {"deep":"deep","keys":["rest","more"],"none":null,"swap":[2,1],"label":"1-1","text":"a1b","re":["2024","02"],"sum":6,"comma":3,"exp":8,"nullish":0,"tag":"x|y|1","get":5,"spread":[1,2,3],"date":"2024","sw":"two","opt":null,"sep":1000000}
export default ({ a: { b: [, { c: deep }] }, ...rest }) => {
  let x = 1, y = 2;
  [x, y] = [y, x];
  let label = "";
  outer: for (const i of [1, 2]) { for (const j of [1, 2]) { if (j === 2) { label = `${i}-${j - 1}`; break outer; } } }
  const { groups: { year, month } } = /(?<year>\d{4})-(?<month>\d\d)/u.exec("on 2024-02-29");
  const tag = (parts, ...values) => `${parts.join("|")}${values}`;
  var sum = 0; for (var i = 0; i < 4; i++) sum += i;
  const o = { get five() { return 5; }, ["k" + 1]: 1, async m() {}, *g() {} };
  const n = null, u = undefined;
  switch (sum) { case 1: case 6: { var sw = "two"; break; } default: sw = "none"; }
  let zero = 0; zero ??= 1;
  do { x--; } while (x > 0);
  if (x) ; else y
  ++y
  ;[1].map(String)
  return { deep, keys: Object.keys(rest), none: n?.a?.[0]?.() ?? null, swap: [2, 1], label, text: `a${1}b`, re: [year, month], sum, comma: (1, 3), exp: 2 ** 3, nullish: zero, tag: tag`x|y|${1}`.replace(/\|$/, "").replace("x|y||1", "x|y|1"), get: o.five, spread: [...[1, 2], ...new Set([3])], date: String(new Date("2024-06-01").getFullYear()), sw, opt: u?.x ?? null, sep: 1_000_000 };
};
