// The part of the prelude that every JavaScript program gets: tools, ToolError, console, time and randomness, the exported `run`.
// It is evaluated as a module before the program; the builder puts the `import` lines, `contract` and the table `tools` before
// it, puts the program's statements into `__witgate.body`, and writes calls of `__witgate.drop`, `watch`, `wait`, `each` and `watched` into the program where it makes, keeps, drops
// and awaits promises: the engine itself tells nobody of a rejection that nothing handles.

const apply = Reflect.apply;
const show = (value) => {
  if (typeof value === "string") return value;
  if (value instanceof Error) return describe(value);
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : brief(value);
  const path = []; // the objects around the one that is written now
  try {
    const text = JSON.stringify(value, function (key, item) {
      const raw = this[key];
      if (item === undefined || typeof item === "string" || typeof item === "boolean" || item === null || Number.isFinite(item)) return item;
      if (typeof item !== "object") return brief(item);
      if (item instanceof Error) return `[${item.name}: ${item.message}]`;
      if (item instanceof RegExp || item instanceof Promise || item instanceof WeakMap || item instanceof WeakSet) return brief(item);
      if (raw instanceof Date) return "Invalid Date";
      while (path.length > 0 && path.at(-1) !== this) path.pop();
      if (path.includes(item)) return "[circular]";
      path.push(item);
      if (item instanceof Map || item instanceof Set) {
        const copy = item instanceof Map ? { Map: [...item] } : { Set: [...item] };
        path.push(copy);
        return copy;
      }
      return ArrayBuffer.isView(item) ? [...item] : item;
    });
    return text === undefined ? String(value) : text;
  } catch (error) {
    return `[cannot be shown: ${error?.message}]`;
  }
};
const brief = (value) => {
  if (typeof value === "function") return `[${/^class\b/.test(Function.prototype.toString.call(value)) ? "class" : "function"} ${value.name || "anonymous"}]`;
  if (typeof value === "bigint") return `${value}n`;
  return value instanceof Promise ? "[Promise]" : String(value);
};
const describe = (error) => {
  const stack = typeof error.stack === "string" ? error.stack.trimEnd() : "";
  const cause = error.cause === undefined ? "" : `\ncaused by ${show(error.cause)}`;
  return `${error.name}: ${error.message}${stack && `\n${stack}`}${cause}`;
};

// `%s`, `%d` ... of a first string take the parts that follow, as everywhere.
const print = (level, parts) => {
  let rest = parts;
  if (typeof parts[0] === "string" && parts.length > 1 && parts[0].includes("%")) {
    let next = 1;
    const first = parts[0].replace(/%([sdifjoOc%])/g, (all, kind) => {
      if (kind === "%") return "%";
      if (next >= parts.length) return all;
      const part = parts[next++];
      if (kind === "c") return "";
      if (kind === "d" || kind === "f") return String(typeof part === "bigint" ? part : Number(part));
      return kind === "i" ? String(Math.trunc(Number(part))) : show(part);
    });
    rest = [first, ...parts.slice(next)];
  }
  contract.console.log(level, rest.map(show).join(" ").toWellFormed());
};
const log = (level) => (...parts) => print(level, parts);
const counts = new Map();
const clocks = new Map();
const lap = (label) => `${label}: ${now() - (clocks.get(label) ?? now())} ms`;
globalThis.console = {
  debug: log("debug"),
  log: log("info"),
  info: log("info"),
  warn: log("warn"),
  error: log("error"),
  dir: (value) => print("info", [value]),
  dirxml: log("info"),
  table: (value) => print("info", [value]),
  trace: (...parts) => print("debug", [...parts, `\n${new Error().stack}`]),
  group: (...parts) => void (parts.length > 0 && print("info", parts)),
  groupCollapsed: (...parts) => void (parts.length > 0 && print("info", parts)),
  groupEnd() {},
  assert: (condition, ...parts) => void (condition || print("error", ["assertion failed:", ...parts])),
  count(label = "default") {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    print("info", [`${label}: ${counts.get(label)}`]);
  },
  countReset: (label = "default") => void counts.delete(label),
  time: (label = "default") => void clocks.set(label, now()),
  timeLog: (label = "default", ...parts) => print("info", [lap(label), ...parts]),
  timeEnd(label = "default") {
    print("info", [lap(label)]);
    clocks.delete(label);
  },
};

/** A tool call that failed: `kind`, `tool` (`server/name`), `message`, `detail` (any JSON value or null). */
class ToolError extends Error {
  #failure;
  constructor(failure) {
    super(failure.message);
    this.#failure = failure;
    this.kind = failure.kind;
    this.tool = failure.tool;
    this.detail = failure.detail ?? null;
  }
  get name() {
    return "ToolError";
  }
  /** What the host reported, whatever the program wrote over it since; undefined for any other value. */
  static reported(error) {
    return typeof error === "object" && error !== null && #failure in error ? error.#failure : undefined;
  }
}
const reported = ToolError.reported;
delete ToolError.reported;
globalThis.ToolError = ToolError;

// Time and randomness are what the host gives.
const now = () => Number(contract.clock.now());
const HostDate = Date;
HostDate.now = now;
globalThis.Date = new Proxy(HostDate, {
  construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self),
  apply: () => new HostDate(now()).toString(),
});
HostDate.prototype.constructor = globalThis.Date;
let state = null;
Math.random = () => {
  // sfc32, seeded once by the host: 32-bit operations only, 53 bits out of two steps
  if (state === null) {
    const seed = BigInt(contract.random.seed());
    state = [Number(seed & 0xffffffffn) | 0, Number((seed >> 32n) & 0xffffffffn) | 0, 0x9e3779b9 | 0, 1];
    for (let i = 0; i < 12; i++) step();
  }
  return ((step() >>> 6) * 0x8000000 + (step() >>> 5)) / 2 ** 53;
};
const step = () => {
  const [a, b, c, count] = state;
  const sum = (a + b + count) | 0;
  state[0] = b ^ (b >>> 9);
  state[1] = (c + (c << 3)) | 0;
  state[2] = (((c << 21) | (c >>> 11)) + sum) | 0;
  state[3] = (count + 1) | 0;
  return sum;
};

// Promises. As in Node, what a program started is finished before it ends, and a rejection that nothing handles fails it:
// every call of a tool that is under way is waited for; a promise that was dropped is waited for as long as calls or timers
// are under way that could settle it. Other than in Node, a rejection may be handled as late as the program's end.
const { then } = Promise.prototype;
const seen = new WeakSet(); // watched promises
const handled = new WeakSet(); // promises that something waits for
const rejected = new Map(); // promise -> reason, of those that nothing waits for
const dropped = new Set(); // unsettled promises that the program let go of
let open = 0; // watched promises that are not settled
let calls = 0; // tool calls under way
let sleeps = 0; // timers under way
let wake = () => {}; // a call or a timer came back
let doom = null; // fails the run
const isPromise = (value) => typeof value === "object" && value !== null && value instanceof Promise;

function watch(value) {
  if (Array.isArray(value)) {
    if (isPromise(value[0])) for (const item of value) watch(item);
  } else if (isPromise(value) && !seen.has(value)) {
    seen.add(value);
    open++;
    apply(then, value, [
      () => void open--,
      (reason) => {
        open--;
        if (handled.has(value)) return;
        if (rejected.size === 0) look();
        rejected.set(value, reason);
      },
    ]);
  }
  return value;
}

function drop(value) {
  if (Array.isArray(value)) {
    if (isPromise(value[0])) for (const item of value) drop(item);
  } else if (isPromise(value) && !dropped.has(value)) {
    watch(value);
    dropped.add(value);
    const done = () => void dropped.delete(value);
    apply(then, value, [done, done]);
  }
  return value;
}

function wait(value) {
  if (isPromise(value)) {
    handled.add(value);
    rejected.delete(value);
  }
  return value;
}

// The values of an iterable, each waited for: what `for await` does where it sees promises.
function each(items) {
  if (typeof items !== "object" || items === null || items[Symbol.asyncIterator] != null) return items;
  return (function* () {
    for (const item of items) yield wait(item);
  })();
}

const watched = (callback) =>
  function (...args) {
    return watch(apply(callback, this, args));
  };

Promise.prototype.then = {
  then(done, failed) {
    wait(this);
    return watch(apply(then, this, [done, failed]));
  },
}.then;
const { fromAsync } = Array;
Array.fromAsync = function (items, map, self) {
  return apply(fromAsync, this, [each(items), map && ((...args) => wait(apply(map, self, args)))]);
};
const { forEach } = Array.prototype;
Array.prototype.forEach = {
  forEach(callback, self) {
    // Only an async function is no plain Function.
    if (typeof callback !== "function" || callback.constructor === Function) return apply(forEach, this, [callback, self]);
    return apply(forEach, this, [(...args) => void drop(apply(callback, self, args))]);
  },
}.forEach;

// One turn of the host: every reaction that can run has run. A timer of 0 could come back at once.
const turn = () => contract.clock.sleep(1n);

// While there are rejections that nothing handles: once nothing is under way any more, nothing will.
async function look() {
  for (;;) {
    await turn();
    if (rejected.size === 0 || doom === null) return;
    if (calls + sleeps === 0) return doom();
    await new Promise((resolve) => (wake = resolve));
  }
}

async function finish() {
  while (open > 0 || calls > 0 || rejected.size > 0) {
    await turn();
    if (rejected.size > 0) throw new Unhandled();
    if (calls === 0 && (dropped.size === 0 || sleeps === 0)) return;
    await new Promise((resolve) => (wake = resolve));
  }
}

class Unhandled {
  error = rejected.values().next().value;
}

// Timers come back in the order in which they are due, also where the host finds several due at once.
const sleepers = [];
function sleep(ms) {
  const wait = Math.max(0, Math.ceil(Number(ms) || 0));
  const due = now() + wait;
  return new Promise((resolve) => {
    let place = sleepers.length;
    while (place > 0 && sleepers[place - 1].due > due) place--;
    sleepers.splice(place, 0, { due, resolve });
    sleeps++;
    apply(then, contract.clock.sleep(BigInt(wait)), [
      () => {
        sleeps--;
        while (sleepers.length > 0 && sleepers[0].due <= due) sleepers.shift().resolve();
        wake();
      },
    ]);
  });
}

// Tools.
const raise = (thrown, site) => {
  // The engine wraps the contract's error in one of its own.
  const error = thrown instanceof Error && "payload" in thrown ? thrown.payload : thrown;
  if (error === null || typeof error !== "object" || !("kind" in error)) throw thrown;
  const failed = new ToolError({ ...error, detail: error.detail == null ? null : JSON.parse(error.detail) });
  Object.defineProperty(failed, "stack", { value: site, writable: true, configurable: true });
  throw failed;
};

const bind = (tool, send) => (...args) => {
  const { stack } = new Error();
  return watch(call(tool, send, args, stack));
};

async function call(tool, send, args, stack) {
  const invalid = (message) => {
    const error = new ToolError({ kind: "invalid-arguments", tool, message, detail: null });
    Object.defineProperty(error, "stack", { value: stack, writable: true, configurable: true });
    return error;
  };
  if (args.length > 1) throw invalid("a tool takes one object with its arguments by name");
  const [given = {}] = args;
  if (given === null || typeof given !== "object" || Array.isArray(given)) {
    throw invalid(`a tool takes one object with its arguments by name, not ${given === null ? "null" : Array.isArray(given) ? "an array" : `a ${typeof given}`}`);
  }
  const text = encode(given, (path, what) => invalid(`the arguments are not JSON: ${what} at ${path || "the top"}`));
  calls++;
  try {
    return JSON.parse(await send(text));
  } catch (error) {
    raise(error, stack);
  } finally {
    calls--;
    wake();
  }
}

// JSON.stringify, but what JSON cannot hold is an error instead of a silent change. As in JSON.stringify, a field whose value is
// undefined is left out, an undefined item is null, and `toJSON` is respected; as in any UTF-8, half a character is U+FFFD.
function encode(value, refuse) {
  let text;
  try {
    text = plain(value, 0) ? JSON.stringify(value) : checked(value);
  } catch (error) {
    // Any other error is the program's own, of a getter or a `toJSON`.
    throw error instanceof Refused ? refuse(find(value, error.holder, error.key), error.what) : error;
  }
  if (text === undefined) return "null";
  if (!text.includes("\\ud")) return text;
  return text.replace(/\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)/g, (all) =>
    all.length === 6 && all[2] === "d" ? "\ufffd" : all,
  );
}

// Whether a value is nothing but what JSON has: then the engine's own writer, several times as fast, loses nothing.
function plain(value, depth) {
  if (typeof value === "string" || typeof value === "boolean" || value === null || value === undefined) return true;
  if (typeof value === "number") return value - value === 0;
  if (typeof value !== "object" || depth > 50 || value.toJSON !== undefined) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!plain(value[i], depth + 1)) return false;
    return true;
  }
  const kind = Object.getPrototypeOf(value);
  if (kind !== Object.prototype && kind !== null) return false;
  for (const key in value) if (!plain(value[key], depth + 1)) return false;
  return true;
}

const strange = [Map, Set, WeakMap, WeakSet, WeakRef, RegExp, Error, ArrayBuffer, DataView, Object.getPrototypeOf(Uint8Array), Iterator];
const deepest = 120; // the host reads 128
function checked(value) {
  const path = []; // the objects around the one that is written now
  const around = new Set();
  return JSON.stringify(value, function (key, item) {
    const kind = typeof item;
    if (kind === "string" || kind === "boolean" || kind === "undefined" || item === null) {
      const raw = this[key];
      if (item === null && raw instanceof HostDate) throw new Refused("an invalid Date", this, key);
      return item;
    }
    if (kind === "number") {
      if (Number.isFinite(item)) return item;
      throw new Refused(String(item), this, key);
    }
    if (kind !== "object") throw new Refused(`a ${kind}`, this, key);
    if (isPromise(item)) throw new Refused("a Promise (is an `await` missing?)", this, key);
    if (strange.some((one) => item instanceof one) || typeof item.next === "function") {
      const name = item.constructor?.name || "iterator";
      const how = item instanceof Map ? " (`Object.fromEntries` makes an object of it)" : typeof item[Symbol.iterator] === "function" ? " (`[...value]` makes an array of it)" : "";
      throw new Refused(`${/^[AEIOU]/i.test(name) ? "an" : "a"} ${name}${how}`, this, key);
    }
    while (path.length > 0 && path.at(-1) !== this) around.delete(path.pop());
    if (around.has(item)) throw new Refused("a value that holds itself", this, key);
    if (path.length >= deepest) throw new Refused(`a value more than ${deepest} levels deep`, this, key);
    path.push(item);
    around.add(item);
    return item;
  });
}

class Refused {
  constructor(what, holder, key) {
    Object.assign(this, { what, holder, key });
  }
}

// The JSON pointer of a holder's field. What `toJSON` made is not found; then the path is unknown.
function find(root, holder, key) {
  const visited = new Set();
  const escape = (name) => name.replaceAll("~", "~0").replaceAll("/", "~1");
  const walk = (item, path) => {
    if (item === holder) return `${path}/${escape(key)}`;
    if (typeof item !== "object" || item === null || visited.has(item)) return undefined;
    visited.add(item);
    for (const name of Object.keys(item)) {
      const found = walk(item[name], `${path}/${escape(name)}`);
      if (found !== undefined) return found;
    }
  };
  return walk(root, "") ?? "";
}

// `$witgate_dropped` is for the other pieces of the prelude, which may be there without this one.
const hidden = (name, value) => Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
hidden("$witgate_dropped", drop);
delete globalThis.__cqjs;
hidden("__witgate", {
  now,
  sleep,
  body: undefined,
  main: undefined,
  servers: Object.fromEntries(
    Object.entries(tools).map(([server, list]) => [
      server,
      Object.fromEntries(list.map(([shown, send, name]) => [name, bind(shown, send)])),
    ]),
  ),
  drop,
  watch,
  wait,
  each,
  watched,
  async run(text) {
    try {
      const value = await new Promise((resolve, reject) => {
        doom = () => reject(new Unhandled());
        apply(then, start(text), [resolve, reject]);
      });
      doom = null;
      const result = encode(value, (path, what) => new TypeError(`the result is not JSON: ${what} at ${path || "the top"}`));
      await finish();
      return result;
    } catch (error) {
      throw report(error);
    }
  },
});
const __witgate = globalThis.__witgate;

async function start(text) {
  await __witgate.body();
  const { main } = __witgate;
  if (typeof main !== "function") throw new TypeError(`the default export is not a function but ${show(main)}`);
  return wait(main(JSON.parse(text)));
}

// What programs of other places use and this one does not have.
const elsewhere = {
  fetch: "there is no network here; import a tool: `import { NAME } from \"mcp:SERVER\"`",
  XMLHttpRequest: "there is no network here; import a tool: `import { NAME } from \"mcp:SERVER\"`",
  WebSocket: "there is no network here; import a tool: `import { NAME } from \"mcp:SERVER\"`",
  require: "there are no modules here but tools: `import { NAME } from \"mcp:SERVER\"`",
  module: "a program is an ES module: `export default async function (input) { ... }`",
  exports: "a program is an ES module: `export default async function (input) { ... }`",
  process: "there is no process here; what the program needs comes in as `input`",
  Deno: "there is no Deno here; what the program needs comes in as `input`",
  Bun: "there is no Bun here; what the program needs comes in as `input`",
  Buffer: "use TextEncoder, TextDecoder, btoa and atob",
  setImmediate: "use `setTimeout(callback, 0)`",
  Intl: "there are no locales here; format by hand",
  window: "there is no page here; the global object is `globalThis`",
  document: "there is no page here",
  global: "the global object is `globalThis`",
  input: "the input is the first argument of the default function",
};

// Any thrown value -> the contract's program-error. It must not fail, whatever the value does.
function report(thrown) {
  try {
    if (thrown instanceof Unhandled) return written(thrown.error, "a promise was rejected and nothing handled it: ");
    return written(thrown, "");
  } catch {
    return { name: "thrown value", message: "an error that cannot be shown", stack: null, cause: null };
  }
}

function written(error, before) {
  const fit = (text) => String(text).slice(0, 20_000).toWellFormed();
  if (!(error instanceof Error)) return { name: "thrown value", message: fit(before + show(error)), stack: null, cause: null };
  const failure = reported(error);
  const cause = failure && {
    kind: failure.kind,
    tool: failure.tool,
    message: failure.message,
    detail: failure.detail === null ? null : JSON.stringify(failure.detail),
  };
  const several = error instanceof AggregateError;
  let message = before + String(error.message || (several ? "all promises were rejected" : ""));
  const missing = error instanceof ReferenceError && /^'?(\w+)'? is not defined/.exec(error.message);
  if (missing && Object.hasOwn(elsewhere, missing[1])) message += ` (${elsewhere[missing[1]]})`;
  if (several) message += `: ${error.errors.slice(0, 3).map((one) => (one instanceof Error ? `${one.name}: ${one.message}` : show(one))).join("; ")}`;
  for (let inner = error.cause, depth = 0; inner instanceof Error && depth < 3; inner = inner.cause, depth++) {
    message += `; caused by ${inner.name}: ${inner.message}`;
  }
  const stack = typeof error.stack === "string" && error.stack !== "" ? error.stack : null;
  return { name: fit(error.name), message: fit(message), stack: stack && fit(stack), cause: cause ?? null };
}
