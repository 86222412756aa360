//: fails stack overflow: too deeply
const down = (n) => [n].map((x) => down(x + 1)).length;
export default () => down(0);
