//: result {"caught":["a","b","c","d","e","f","g","h","i","j"],"settled":["rejected","fulfilled"],"any":"ok","finally":true}
const lose = async (text) => { await null; throw new Error(text); };
async function* source() { yield lose("g"); }
async function retry(run, times) {
  for (let i = 0; ; i++) {
    try { return await run(); } catch (e) { if (i + 1 >= times) throw e; }
  }
}
export default async function () {
  const caught = [];
  const keep = (e) => { caught.push(e.message); };
  try { await lose("a"); } catch (e) { keep(e); }
  await lose("b").catch(keep);
  await lose("c").then(() => {}, keep);
  try { await Promise.all([lose("d"), lose("d"), 1]); } catch (e) { keep(e); }
  const settled = (await Promise.allSettled([lose("x"), 1])).map((s) => s.status);
  const any = await Promise.any([lose("x"), Promise.resolve("ok")]);
  try { await Promise.race([lose("e"), new Promise(() => {})]); } catch (e) { keep(e); }
  try { for await (const x of [lose("f")]) keep(x); } catch (e) { keep(e); }
  try { for await (const x of source()) keep(x); } catch (e) { keep(e); }
  try { await retry(async () => { throw new Error("h"); }, 3); } catch (e) { keep(e); }
  try { await Array.fromAsync([1], async () => { throw new Error("i"); }); } catch (e) { keep(e); }
  try { await (async () => lose("j"))(); } catch (e) { keep(e); }
  let done = false;
  await lose("x").catch(() => {}).finally(() => { done = true; });
  return { caught, settled, any, finally: done };
}
