//: result [6000,6000]
const down = (n) => (n === 0 ? 0 : 1 + down(n - 1));
class Tree { depth(n) { return n === 0 ? 0 : 1 + this.depth(n - 1); } }
export default () => [down(6000), new Tree().depth(6000)];
