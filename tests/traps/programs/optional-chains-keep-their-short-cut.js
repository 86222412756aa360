//: result ["none","none",3,"caught"]
const api = { get: async (x) => x, none: null, list: async () => { throw new Error("x"); } };
export default async () => [
  (await api.none?.get(1).then((x) => x)) ?? "none",
  api.none?.get(1).length.foo.bar() ?? "none",
  await api?.get(3).then((x) => x),
  await api.list?.().catch(() => "caught"),
];
