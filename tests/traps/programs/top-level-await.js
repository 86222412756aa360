//: result [1,2]
const one = await Promise.resolve(1);
const two = await new Promise((resolve) => queueMicrotask(() => resolve(2)));
export default () => [one, two];
