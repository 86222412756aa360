//: result [1,2,"caught"]
const lazy = { then(resolve) { resolve(1); } };
class Query { then(a, b) { return Promise.resolve(2).then(a, b); } }
class Bad { then(_, reject) { reject(new Error("x")); } }
export default async () => { const out = [await lazy, await new Query()]; try { await new Bad(); } catch { out.push("caught"); } return out; };
