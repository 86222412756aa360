//: result [[0,2],["k","k"],2,null]
export default () => {
  const seen = [], self = [];
  [1, , 3].forEach((x, i) => seen.push(i));
  [1, 2].forEach(function () { self.push(this.k); }, { k: "k" });
  let args = 0;
  [1].forEach(async function (x, i, all) { if (this.k && all.length === 1 && i === 0) args = 2; }, { k: 1 });
  return [seen, self, args, [].forEach(() => 1) ?? null];
};
