// Compares the web-API pieces with Node's own: each runs in a bare context, where only the language itself is there.
// Run: node guest-sdk/js/test.mjs
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import vm from "node:vm";

const folder = new URL(".", import.meta.url);
const pieces = new Map();
for (const file of readdirSync(folder)) {
  if (!file.endsWith(".js") || file === "core.js") continue;
  const source = readFileSync(new URL(file, folder), "utf8");
  const header = /^\/\/ provides: ([\w, ]+); needs: ([\w, ]+)\n/.exec(source);
  assert.ok(header, `${file} opens with what it provides and needs`);
  const names = (text) => (text === "nothing" ? [] : text.split(", "));
  pieces.set(file.slice(0, -3), { source, provides: names(header[1]), needs: names(header[2]) });
}

// A context with one piece and what it needs, over a clock that moves only when it is told to.
function load(name) {
  const clock = { now: 1000, sleeping: [] };
  const context = vm.createContext({
    __witgate: {
      now: () => clock.now,
      sleep: (ms) => new Promise((wake) => clock.sleeping.push({ at: clock.now + ms, wake })),
    },
  });
  const before = vm.runInContext("Object.getOwnPropertyNames(globalThis)", context);
  const added = (piece) => {
    for (const needed of pieces.get(piece).needs) added(needed);
    vm.runInContext(pieces.get(piece).source, context, { filename: `${piece}.js` });
  };
  added(name);
  clock.pass = async (ms) => {
    const end = clock.now + ms;
    for (;;) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      clock.sleeping.sort((a, b) => a.at - b.at);
      if (!(clock.sleeping[0]?.at <= end)) break;
      const { at, wake } = clock.sleeping.shift();
      clock.now = at;
      wake();
    }
    clock.now = end;
  };
  return { context, clock, before, run: (code) => vm.runInContext(code, context), globals: context };
}

// A small generator, so that each run compares the same cases.
function dice(seed) {
  return (limit) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
}
const attempt = (action) => {
  try {
    return action();
  } catch (error) {
    return `throws ${error.name}`;
  }
};
// Values of another context, as plain data of this one.
const plain = (value) => JSON.parse(JSON.stringify(value));

test("each piece adds just the names it says", () => {
  for (const [name, { provides, needs }] of pieces) {
    const { before, run } = load(name);
    const all = run("Object.getOwnPropertyNames(globalThis)").filter((key) => !before.includes(key));
    const allowed = [...provides, ...needs.flatMap((needed) => [...pieces.get(needed).provides, ...pieces.get(needed).needs.flatMap((deeper) => pieces.get(deeper).provides)])];
    assert.deepEqual([...all].sort(), [...new Set(allowed)].sort(), name);
  }
});

test("text: encode and decode", () => {
  const { TextEncoder: Encoder, TextDecoder: Decoder } = load("text").globals;
  const texts = ["", "plain", "é", "€uro", "😀!", "\ud800", "a\udc00b", "\udc00\ud800", "\ufeffbom", "x".repeat(10000) + "😀"];
  for (const text of texts) {
    const own = new TextEncoder().encode(text);
    assert.deepEqual([...new Encoder().encode(text)], [...own]);
    for (const size of [0, 1, 2, 3, 4, 5]) {
      const [mine, theirs] = [new Uint8Array(size), new Uint8Array(size)];
      // encodeInto wants a Uint8Array of its own context.
      const into = vm.runInContext("(text, size) => { const bytes = new Uint8Array(size); return [new TextEncoder().encodeInto(text, bytes), bytes]; }", load("text").context);
      const [result, bytes] = into(text, size);
      assert.deepEqual(plain(result), { ...new TextEncoder().encodeInto(text, theirs) });
      mine.set(bytes);
      assert.deepEqual(mine, theirs);
    }
  }
  const next = dice(1);
  const interesting = [0x00, 0x41, 0x7f, 0x80, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xe2, 0xed, 0xef, 0xbb, 0xbf, 0xf0, 0x90, 0x9f, 0xf4, 0x8f, 0xf5, 0xff];
  for (let round = 0; round < 5000; round++) {
    const bytes = Uint8Array.from({ length: next(8) }, () => interesting[next(interesting.length)]);
    for (const options of [{}, { fatal: true }, { ignoreBOM: true }]) {
      const both = [Decoder, TextDecoder].map((Class) => attempt(() => new Class("utf-8", options).decode(bytes)));
      assert.equal(both[0], both[1], `${[...bytes]} ${JSON.stringify(options)}`);
      const cut = next(bytes.length + 1);
      const streamed = [Decoder, TextDecoder].map((Class) => attempt(() => {
        const decoder = new Class("utf8", options);
        return [decoder.decode(bytes.slice(0, cut), { stream: true }), decoder.decode(bytes.slice(cut), { stream: true }), decoder.decode()].join("|");
      }));
      assert.equal(streamed[0], streamed[1], `stream ${[...bytes]} at ${cut} ${JSON.stringify(options)}`);
    }
  }
  assert.throws(() => new Decoder("latin1"), { name: "RangeError" });
  assert.equal(new Decoder().decode(new DataView(Uint8Array.of(65, 66, 67).buffer, 1)), "BC");
  assert.equal(new Decoder().decode(Uint8Array.of(0x7a, 0x20ac).buffer), "z\ufffd");
});

test("text: base64", () => {
  const { atob: decode, btoa: encode } = load("text").globals;
  const next = dice(2);
  for (let round = 0; round < 2000; round++) {
    const binary = String.fromCharCode(...Array.from({ length: next(12) }, () => next(256)));
    assert.equal(encode(binary), btoa(binary));
    assert.equal(decode(btoa(binary)), binary);
    const odd = Array.from({ length: next(9) }, () => "AZaz09+/= \n-"[next(12)]).join("");
    assert.equal(attempt(() => decode(odd)), attempt(() => atob(odd)), JSON.stringify(odd));
  }
  assert.equal(attempt(() => encode("€")), "throws InvalidCharacterError");
});

const describeUrl = (url) =>
  ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"].map((key) => `${key}=${url[key]}`).join("\n");
// Where Node 20 strays from the standard: `..` as the whole path of a scheme of its own, and relative references against an
// opaque path. There the standard is held by the cases of `url: what the standard says`.
const isSpecial = (url) => ["http:", "https:", "ws:", "wss:", "ftp:", "file:"].includes(url.protocol);
const nodeStrays = (Own, input, base) =>
  Own.canParse(input, base) ? !isSpecial(new Own(input, base)) && new Own(input, base).pathname === "/" : typeof base === "string" && !isSpecial(new Own(base));
const bothUrls = (Own, input, base) => [Own, URL].map((Class) => attempt(() => describeUrl(new Class(input, base))));

test("url: known cases", () => {
  const Own = load("url").globals.URL;
  const inputs = [
    "https://user:pa%20ss@Example.COM:443/a/./b/../c?q=1&r='#frag ment", "http://h:8080", "http://h:80/", "http:\\\\h\\a\\b", "http:///h/x", "http:h/x", "https:/h",
    "//other/x", "/rooted", "rel/x", "../up", "../../../../up", ".", "..", "./", "?only=query", "#only", "", "a:b", "mailto:a@b.c?subject=x", "data:text/plain,hi#f", "javascript:alert(1)",
    "urn:isbn:1", "file:///C|/x/../../y", "file:C:/x", "file://localhost/etc", "file://host/share", "file:/etc/../x", "file:", "file://", "file:///", "file:..", "/C|/x", "C|/x", "///C:/x", "file://h:80/x",
    "http://1.2.3.4/", "http://0x7f.1/", "http://256/", "http://1.2.3.4.5/", "http://4294967295", "http://4294967296", "http://1.2.3.08/", "http://1..2/", "http://0x/", "http://1.2.3.4./", "http://a.1", "http://a.0x",
    "http://[::1]/", "http://[1:2:3:4:5:6:7:8]", "http://[1::8]:80", "http://[::ffff:1.2.3.4]", "http://[1:0:0:2:0:0:0:3]", "http://[0:0:1::]", "http://[:1]", "http://[1:2:3]", "http://[::1", "http://[::1.2.3]", "http://[1::2::3]", "http://[::01.2.3.4]", "http://[1:2:3:4:5:6:1.2.3.4]", "http://[::1]x", "http://[12345::]",
    "http://a b/", "http://a%20b/", "http://%41.com/", "http://a<b", "http://a|b", "http://a%b", "http://a_b", "http://a\"b", "http://a`{}b", "http://a,b;c", "foo://a b", "foo://A%41b/x", "foo://h:99999/", "foo://h:/", "foo://:80/", "foo://u@/", "http://u@/", "http://@h", "http://:@h", "http://u:@h/", "http://u:p:q@h", "http://a@b@c/", "foo:///x", "foo:/x/../y", "foo:/.//x", "foo:/..//x", "foo:",
    "http://h/%2e%2E/%2e/x", "http://h/a%zz%", "http://h/ä?ö#ü", "http://h/`{}|\"<>", "http://h/?'\"<>`", "foo://h/?'\"<>`", "http://h/a\tb\nc", "  http://h/  ", "http://h/\ud800", "ht\ttp://h", "1http://h", "http", "http:", "http://", "https://h:0", "http://h:00080", "http://h:65536", "http://h:8a", "ws://h:80", "wss://h:443", "ftp://h:21/", "blob:https://h:444/x", "blob:foo", "http://münchen.de/ä", "http://MÜNCHEN.de", "http://日本語.jp", "http://例え.テスト", "http://faß.de", "http://ａ.com", "http://a。b", "http://☃.net", "http://xn--mnchen-3ya.de",
  ];
  const bases = [undefined, "http://base:81/a/b/c?q#f", "https://h/", "file:///C:/d/e", "file://host/x/y", "foo://h/a/b", "foo:/a/b", "mailto:x", "data:x?y"];
  for (const base of bases) {
    for (const input of inputs) {
      if (nodeStrays(Own, input, base)) continue;
      const [own, native] = bothUrls(Own, input, base);
      assert.equal(own, native, `${JSON.stringify(input)} against ${base}`);
      assert.equal(Own.canParse(input, base), URL.canParse(input, base));
    }
  }
});

test("url: random cases", () => {
  const Own = load("url").globals.URL;
  const next = dice(3);
  const parts = ["http:", "https:", "file:", "foo:", "/", "//", "\\", "..", ".", "%2e", "a", "B", "c:", "C|", "@", ":", "80", "?", "#", " ", "%", "%41", "[::1]", "[", "]", "1", "0x2", "é", "'", "&", "=", "localhost", "\t", "h.x"];
  const word = (size) => Array.from({ length: next(size) }, () => parts[next(parts.length)]).join("");
  const bases = [undefined, undefined, "http://u:p@base/a/b?q", "file:///C:/d/e", "file://host/x", "foo://h/a/b?q", "foo:/a", "foo:opaque"];
  const keys = ["protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];
  for (let round = 0; round < 60000; round++) {
    const input = word(9);
    const base = bases[next(bases.length)];
    if (nodeStrays(Own, input, base)) continue;
    const [own, native] = bothUrls(Own, input, base);
    assert.equal(own, native, `round ${round}: ${JSON.stringify(input)} against ${base}`);
    if (native.startsWith("throws") || !isSpecial(new Own(input, base))) continue;
    const key = keys[next(keys.length)];
    const value = word(4);
    if (key === "port" && !/^\d/.test(value)) continue; // Node 20 looks at the characters behind
    const changed = [Own, URL].map((Class) => {
      const url = new Class(input, base);
      url[key] = value;
      return describeUrl(url);
    });
    assert.equal(changed[0], changed[1], `round ${round}: ${key} = ${JSON.stringify(value)} on ${native.split("\n")[0]}`);
  }
});

test("url: what the standard says", () => {
  const Own = load("url").globals.URL;
  const href = (input, base) => attempt(() => new Own(input, base).href);
  assert.equal(href("foo://h/.."), "foo://h/");
  assert.equal(href("..", "foo:/a"), "foo:/");
  assert.equal(href("x", "foo:opaque"), "throws TypeError");
  assert.equal(href("#x", "foo:opaque?q"), "foo:opaque?q#x");
  assert.equal(href("foo:/.//x"), "foo:/.//x");
  assert.equal(href("http://h/a^b?c^d"), "http://h/a%5Eb?c^d");
  const set = (input, key, value) => {
    const url = new Own(input);
    url[key] = value;
    return url.href;
  };
  assert.equal(set("foo:/.//p", "hostname", "h"), "foo://h//p");
  assert.equal(set("foo:/.//p", "hostname", ""), "foo:////p");
  assert.equal(set("foo:/a?q", "pathname", "//b"), "foo:/.//b?q");
  assert.equal(set("foo://h/a", "pathname", ""), "foo://h");
  assert.equal(set("http://h:8080", "port", "'1"), "http://h:8080/");
  assert.equal(set("foo:a", "pathname", "b"), "foo:a");
  assert.equal(set("foo:a", "host", "b"), "foo:a");
  assert.equal(set("foo://h:1/a", "protocol", "http"), "foo://h:1/a");
  assert.equal(Own.parse("nothing"), null);
  assert.throws(() => new Own("nothing"), { name: "TypeError", message: "Invalid URL" });
});

test("url: search parameters", () => {
  const { URL: Own, URLSearchParams: Params } = load("url").globals;
  const inputs = ["", "?a=1&b=2&a=3", "a+b=c%20d&e", "=x&&y=", "%zz=%C3%A9&%ff", "a=b=c", "ü=😀&'()*-._~!", { a: 1, b: [2, 3] }, [["x", "1"], ["x", "2"]], new Map([["k", "v"]])];
  for (const input of inputs) {
    const [own, native] = [new Params(input), new URLSearchParams(input)];
    const look = (params) => [params.toString(), params.size, [...params], [...params.keys()], [...params.values()], params.get("a"), params.getAll("x"), params.has("a", "1")];
    assert.deepEqual(plain(look(own)), plain(look(native)));
    for (const change of [(p) => p.append("n", "é &"), (p) => p.set("a", "z"), (p) => p.delete("x", "1"), (p) => p.sort(), (p) => p.delete("a")]) {
      change(own);
      change(native);
      assert.equal(own.toString(), native.toString());
    }
  }
  for (const bad of [[["x"]], ["xyz"], [1]]) assert.equal(attempt(() => new Params(bad)), "throws TypeError");
  const urls = [new Own("http://h/?a=1#f"), new URL("http://h/?a=1#f")];
  const hrefs = urls.map((url) => {
    const seen = [];
    url.searchParams.append("b", "2 3");
    seen.push(url.href);
    url.search = "?x='y'";
    seen.push(url.href, url.searchParams.get("x"));
    url.searchParams.delete("x");
    seen.push(url.href, JSON.stringify({ url }), `${url}`);
    url.href = "https://z/?k=v";
    seen.push(url.searchParams.get("k"));
    return seen;
  });
  assert.deepEqual(hrefs[0], hrefs[1]);
});

test("timers", async () => {
  const { run, clock } = load("timers");
  run(`globalThis.log = [];
    setTimeout((...parts) => log.push(["late", performance.now(), ...parts]), 30, "x", 1);
    setTimeout(() => log.push(["soon"]));
    const cancelled = setTimeout(() => log.push(["never"]), 10);
    clearTimeout(cancelled);
    clearTimeout(undefined);
    let ticks = 0;
    const id = setInterval(() => { log.push(["tick", ++ticks]); if (ticks === 3) clearInterval(id); }, 7);
    performance.now();`);
  await clock.pass(100);
  assert.deepEqual(plain(run("log")), [["soon"], ["tick", 1], ["tick", 2], ["tick", 3], ["late", 30, "x", 1]]);
  assert.equal(run("performance.timeOrigin + performance.now()"), 1100);
  assert.throws(() => run("setTimeout('code')"), { name: "TypeError" });
  run("globalThis.dropped = []; globalThis.$witgate_dropped = (promise) => dropped.push(promise); setTimeout(() => { throw new RangeError('boom'); }); setTimeout(async () => { throw 7; });");
  await clock.pass(1);
  assert.deepEqual(await Promise.all(run("dropped").map((promise) => promise.catch((error) => String(error)))), ["RangeError: boom", "7"]);
});

test("structuredClone", () => {
  const { run, context } = load("clone");
  context.native = (value) => structuredClone(value);
  // The comparison happens inside the context; Node's own clone makes its values there too.
  const cases = [
    "1", "null", "undefined", "'x'", "10n", "-0", "NaN", "[1, , 3]", "Object.assign([1], { extra: 2 })", "({ a: { b: [new Date(5)] } })", "new Map([[{ k: 1 }, new Set([1, 'a'])]])", "/x/gi", "Object('s')", "Object(1)", "Object(true)",
    "new Uint16Array([1, 2])", "new DataView(Uint8Array.of(1, 2, 3).buffer, 1, 1)", "new Uint8Array(Uint8Array.of(1, 2, 3).buffer, 1)", "new (class Point { constructor() { this.x = 1; } get y() { return 2; } })()", "JSON.parse('{\"__proto__\": 1}')", "({ get now() { return 5; } })", "Object.create({ inherited: 1 }, { hidden: { value: 2 } })", "new Date(NaN)",
  ];
  for (const source of cases) {
    const [own, native] = [run(`structuredClone(${source})`), structuredClone(vm.runInContext(source, context))];
    assert.equal(String(Object.prototype.toString.call(own)), String(Object.prototype.toString.call(native)), source);
    const look = (value) => JSON.stringify(value, (_, item) => (Object.prototype.toString.call(item) === "[object Map]" || Object.prototype.toString.call(item) === "[object Set]" ? ["of", ...item] : typeof item === "bigint" ? `${item}n` : item));
    assert.equal(look(own), look(native), source);
  }
  run(`const loop = { list: [] }; loop.self = loop; loop.list.push(loop.list, loop);
    const copy = structuredClone(loop);
    globalThis.ok = copy !== loop && copy.self === copy && copy.list[0] === copy.list && copy.list[1] === copy;
    const failed = new TypeError("m", { cause: { deep: 1 } });
    const error = structuredClone(failed);
    ok &&= error instanceof TypeError && error !== failed && error.message === "m" && error.cause.deep === 1 && error.stack === failed.stack && !Object.keys(error).length;
    const buffer = new Uint8Array([1, 2]).buffer;
    const pair = structuredClone([new Uint8Array(buffer), new Uint8Array(buffer, 1)]);
    ok &&= pair[0].buffer === pair[1].buffer && pair[0].buffer !== buffer && pair[1][0] === 2;
    const moved = structuredClone({ buffer }, { transfer: [buffer] });
    ok &&= moved.buffer.byteLength === 2 && new Uint8Array(moved.buffer)[1] === 2;`);
  assert.equal(run("ok"), true);
  for (const bad of ["() => 1", "Symbol('s')", "[Promise.resolve()]", "new WeakMap()", "({ f() {} })"]) {
    assert.equal(attempt(() => run(`structuredClone(${bad})`)), "throws DataCloneError", bad);
  }
  assert.equal(attempt(() => run("structuredClone()")), "throws TypeError");
});

test("queueMicrotask", async () => {
  const { run } = load("clone");
  run("globalThis.log = []; queueMicrotask(() => log.push('micro')); log.push('now');");
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(plain(run("log")), ["now", "micro"]);
});

test("abort", async () => {
  const { run, clock } = load("abort");
  run(`globalThis.log = [];
    const controller = new AbortController();
    const { signal } = controller;
    signal.onabort = (event) => log.push(["on", event.type, event.target === signal]);
    const heard = () => log.push(["heard"]);
    signal.addEventListener("abort", heard);
    signal.addEventListener("abort", heard);
    signal.addEventListener("abort", { handleEvent: (event) => { log.push(["object"]); event.stopImmediatePropagation(); } }, { once: true });
    signal.addEventListener("abort", () => log.push(["not reached"]));
    const any = AbortSignal.any([signal, AbortSignal.timeout(50)]);
    log.push(signal.aborted, any.aborted);
    controller.abort();
    controller.abort("again");
    log.push(signal.aborted, signal.reason.name, AbortSignal.abort("r").reason);
    const slow = AbortSignal.timeout(20);
    const either = AbortSignal.any([slow]);
    slow.addEventListener("abort", () => log.push([slow.reason.name, either.aborted]));`);
  await clock.pass(30);
  assert.deepEqual(plain(run("log")), [false, false, ["on", "abort", true], ["heard"], ["object"], true, "AbortError", "r", ["TimeoutError", true]]);
  assert.equal(run("any.aborted"), true);
  assert.equal(attempt(() => run("signal.throwIfAborted()")), "throws AbortError");
  assert.equal(attempt(() => run("new AbortSignal()")), "throws TypeError");
  run("const target = new EventTarget(); let count = 0; const once = new Event('x', { cancelable: true }); target.addEventListener('x', (event) => { count++; event.preventDefault(); }, { once: true });");
  assert.deepEqual(plain(run("[target.dispatchEvent(once), target.dispatchEvent(new Event('x')), count]")), [false, true, 1]);
});

test("crypto", () => {
  const { run } = load("crypto");
  assert.match(run("crypto.randomUUID()"), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(run("new Set(Array.from({ length: 100 }, () => crypto.randomUUID())).size"), 100);
  assert.equal(run("const words = new Uint32Array(8); crypto.getRandomValues(words) === words && words.some((word) => word > 0xffff)"), true);
  assert.equal(attempt(() => run("crypto.getRandomValues(new Float64Array(1))")), "throws TypeMismatchError");
  assert.equal(attempt(() => run("crypto.getRandomValues(new Uint8Array(65537))")), "throws QuotaExceededError");
});
