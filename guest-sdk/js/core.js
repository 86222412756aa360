// The part of the prelude that every JavaScript program gets: tools, ToolError, time and randomness, the exported `run`. Its
// size is paid for at every start; what most programs never need is in `core/`.
// It is evaluated as a module before the program. The builder puts the `import` lines, `contract`, the table `tools` and the
// text `rest` before it, the program's statements into `__witgate.body`, and calls of `__witgate.drop`, `watch`, `wait`, `each`
// and `watched` into the program where it makes, keeps, drops and awaits promises: the engine itself tells nobody of a
// rejection that nothing handles.

const apply = Reflect.apply;

// `core/rest.js`, evaluated when it is needed.
const evaluate = eval;
let loaded;
const late = () => (loaded ??= evaluate(rest)({ reported, isPromise, HostDate, Unhandled }));

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

// sfc32, seeded once by the host: 32-bit operations only, 53 bits out of two steps.
let a, b, c, count;
const step = () => {
  const sum = (a + b + count) | 0;
  count = (count + 1) | 0;
  a = b ^ (b >>> 9);
  b = (c + (c << 3)) | 0;
  c = (((c << 21) | (c >>> 11)) + sum) | 0;
  return sum;
};
Math.random = () => {
  if (count === undefined) {
    const seed = BigInt(contract.random.seed());
    a = Number(seed & 0xffffffffn) | 0;
    b = Number((seed >> 32n) & 0xffffffffn) | 0;
    c = 0x9e3779b9 | 0;
    count = 1;
    for (let i = 0; i < 12; i++) step();
  }
  return ((step() >>> 6) * 0x8000000 + (step() >>> 5)) / 2 ** 53;
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
let outcome; // what the engine waits for
let starting = false; // the engine, not the program, runs
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
    const next = apply(then, this, [done, failed]);
    if (starting || this === outcome) return next;
    wait(this);
    return watch(next);
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
  const text = plain(value, 0) ? JSON.stringify(value) : late().checked(value, refuse);
  if (text === undefined) return "null";
  return text.includes("\\ud") ? late().whole(text) : text;
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
  run(text) {
    starting = true;
    return (outcome = run(text));
  },
});
const __witgate = globalThis.__witgate;

async function run(text) {
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
    throw late().report(error);
  }
}

async function start(text) {
  await null;
  starting = false;
  await __witgate.body();
  const { main } = __witgate;
  if (typeof main !== "function") throw new TypeError(`the default export is not a function but ${late().show(main)}`);
  return wait(main(JSON.parse(text)));
}

