//: fails thrown value: TypeError: 
for (const key of Object.getOwnPropertyNames(Array.prototype)) { try { Array.prototype[key] = null; } catch {} }
export default () => [1].map((x) => x);
