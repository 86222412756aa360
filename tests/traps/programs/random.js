//: result {"range":true,"mean":true,"buckets":true,"differ":true,"bits":true}
export default () => {
  const n = 20000, buckets = new Array(10).fill(0);
  let sum = 0, min = 1, max = 0, low = 0;
  for (let i = 0; i < n; i++) {
    const x = Math.random();
    sum += x; min = Math.min(min, x); max = Math.max(max, x); buckets[Math.floor(x * 10)]++;
    low += (x * 2 ** 53) % 2;
  }
  return { range: min >= 0 && max < 1, mean: Math.abs(sum / n - 0.5) < 0.02, buckets: buckets.every((b) => Math.abs(b - n / 10) < 250), differ: Math.random() !== Math.random(), bits: Math.abs(low / n - 0.5) < 0.03 };
};
