//: fails TypeError: the result is not JSON: a bigint at /rows/1/id
export default () => ({ rows: [{ id: 1 }, { id: 2n }] });
