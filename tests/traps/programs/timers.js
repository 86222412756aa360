//: result ["now","a","b","tick","tick"]
export default async function () {
  const out = [];
  setTimeout(() => out.push("b"), 20);
  setTimeout((x) => out.push(x), 5, "a");
  const cleared = setTimeout(() => out.push("never"), 1);
  clearTimeout(cleared);
  out.push("now");
  await new Promise((resolve) => setTimeout(resolve, 40));
  let left = 2;
  await new Promise((resolve) => {
    const id = setInterval(() => { out.push("tick"); if (--left === 0) { clearInterval(id); resolve(); } }, 2);
  });
  return out;
}
