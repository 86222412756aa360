//: result {"url":"b.example","q":"1","bytes":[195,169],"back":"é","b64":"aGk=","clone":[1,{"a":2}],"uuid":36,"perf":true,"abort":"AbortError","micro":true}
export default async function () {
  const url = new URL("/p?q=1", "https://b.example/x");
  const clone = structuredClone([1, { a: 2 }]);
  const controller = new AbortController();
  controller.abort();
  let micro = false;
  queueMicrotask(() => { micro = true; });
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 5));
  return {
    url: url.hostname, q: new URLSearchParams(url.search).get("q"), bytes: [...new TextEncoder().encode("é")],
    back: new TextDecoder().decode(new Uint8Array([195, 169])), b64: btoa("hi"), clone, uuid: crypto.randomUUID().length,
    perf: performance.now() - start >= 4, abort: controller.signal.reason.name, micro,
  };
}
