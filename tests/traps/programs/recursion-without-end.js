//: fails stack overflow: too deeply
const down = (n) => 1 + down(n + 1);
export default () => down(0);
