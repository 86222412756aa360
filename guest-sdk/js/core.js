// The part of the prelude that every JavaScript program gets: tools, ToolError, console, time and randomness, the exported `run`.
// It is evaluated as a module before the program; the builder puts the `import` lines, `contract`
// and the table `tools` before it. Names that start with `$` and `__witgate` are the prelude's own.

const print = (level, parts) => contract.console.log(level, parts.map(show).join(" "));

function show(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return describe(value);
  if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
  try {
    const seen = new Set();
    const text = JSON.stringify(value, function (key, item) {
      if (typeof item === "bigint") return `${item}n`;
      if (typeof item === "function") return `[function ${item.name || "anonymous"}]`;
      if (item instanceof Map) return { Map: [...item] };
      if (item instanceof Set) return { Set: [...item] };
      if (item instanceof Error) return describe(item);
      if (typeof item === "object" && item !== null) {
        if (seen.has(item)) return "[seen above]";
        seen.add(item);
      }
      return item;
    });
    return text === undefined ? String(value) : text;
  } catch (error) {
    return `[cannot be shown: ${error.message}]`;
  }
}

const describe = (error) => `${error.name}: ${error.message}${error.stack ? `\n${error.stack.trimEnd()}` : ""}`;

const counts = new Map();
const timers = new Map();
globalThis.console = {
  debug: (...parts) => print("debug", parts),
  log: (...parts) => print("info", parts),
  info: (...parts) => print("info", parts),
  warn: (...parts) => print("warn", parts),
  error: (...parts) => print("error", parts),
  trace: (...parts) => print("debug", [...parts, `\n${new Error().stack}`]),
  dir: (value) => print("info", [value]),
  table: (value) => print("info", [value]),
  group: (...parts) => parts.length && print("info", parts),
  groupEnd() {},
  assert: (condition, ...parts) => condition || print("error", ["assertion failed:", ...parts]),
  count(label = "default") {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    print("info", [`${label}: ${counts.get(label)}`]);
  },
  time: (label = "default") => void timers.set(label, Date.now()),
  timeEnd(label = "default") {
    print("info", [`${label}: ${Date.now() - (timers.get(label) ?? Date.now())} ms`]);
    timers.delete(label);
  },
};

/** A tool call that failed: `kind`, `tool` (`server/name`), `message`, `detail` (any JSON value or null). */
class ToolError extends Error {
  constructor({ kind, tool, message, detail }) {
    super(message);
    this.kind = kind;
    this.tool = tool;
    this.detail = detail ?? null;
  }
  get name() {
    return "ToolError";
  }
}
globalThis.ToolError = ToolError;

// Time and randomness are what the host gives.
const now = () => Number(contract.clock.now());
const HostDate = Date;
globalThis.Date = new Proxy(HostDate, {
  construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self),
  apply: () => new HostDate(now()).toString(),
  get: (target, key) => (key === "now" ? now : Reflect.get(target, key)),
});
HostDate.prototype.constructor = globalThis.Date;
let state = null;
Math.random = () => {
  // xorshift64*, seeded once by the host
  state ??= BigInt.asUintN(64, BigInt(contract.random.seed())) || 1n;
  state ^= state >> 12n;
  state = BigInt.asUintN(64, state ^ (state << 25n));
  state ^= state >> 27n;
  return Number(BigInt.asUintN(64, state * 2685821657736338717n) >> 11n) / 2 ** 53;
};

let running = false;
let failure = null; // the first rejection that nobody can handle
const pending = new Set(); // promises that the program let go of

function settle(promise) {
  const watched = promise.then(
    () => pending.delete(watched),
    (error) => {
      pending.delete(watched);
      failure ??= { error };
    },
  );
  pending.add(watched);
}

// `$(expression)` stands around statements whose value the program drops: as in Node, what it started is finished before
// the program ends, and a rejection that nobody can handle fails the program.
globalThis.$witgate_dropped = (value) => {
  if (value instanceof Promise) settle(value);
  else if (Array.isArray(value)) for (const item of value) item instanceof Promise && settle(item);
  return value;
};
const forEach = Array.prototype.forEach;
Array.prototype.forEach = function (callback, self) {
  if (typeof callback !== "function" || callback.constructor === Function) return forEach.call(this, callback, self);
  return forEach.call(this, (...args) => void $witgate_dropped(callback.apply(self, args)));
};

const raise = (thrown, site) => {
  // The engine wraps the contract's error in one of its own.
  const error = thrown instanceof Error && "payload" in thrown ? thrown.payload : thrown;
  if (error === null || typeof error !== "object" || !("kind" in error)) throw thrown;
  const detail = error.detail == null ? null : JSON.parse(error.detail);
  const failed = new ToolError({ ...error, detail });
  const frames = site.stack.split("\n");
  Object.defineProperty(failed, "stack", { value: frames.slice(1).join("\n"), writable: true, configurable: true });
  throw failed;
};

function bind(tool, send) {
  const invalid = (message) => new ToolError({ kind: "invalid-arguments", tool, message, detail: null });
  return async function (args, ...rest) {
    const site = new Error();
    if (!running) throw invalid("a tool can be called only while the default function runs, not at the top level");
    if (rest.length > 0) throw invalid("a tool takes one object with its arguments by name");
    if (args === undefined) args = {};
    if (args === null || typeof args !== "object" || Array.isArray(args)) {
      throw invalid(`a tool takes one object with its arguments by name, not ${args === null ? "null" : Array.isArray(args) ? "an array" : `a ${typeof args}`}`);
    }
    const text = encode(args, (path, what) => invalid(`the arguments are not JSON: ${what} at ${path || "the top"}`));
    const call = (async () => {
      try {
        return await send(text);
      } catch (error) {
        raise(error, site);
      }
    })();
    return JSON.parse(await call);
  };
}

// JSON.stringify, but what JSON cannot hold is an error instead of a silent change.
function encode(value, refuse) {
  let text;
  try {
    text = JSON.stringify(value, function (key, item) {
      const raw = this[key];
      const kind = typeof item;
      if (kind === "string" || kind === "boolean" || item === null) return item;
      if (kind === "number" && Number.isFinite(item)) return item;
      if (kind === "undefined") return item;
      if (kind === "object" && !(raw instanceof Map) && !(raw instanceof Set) && !(raw instanceof Promise)) return item;
      throw new Refused(kind === "object" ? `a ${raw.constructor.name}${raw instanceof Promise ? " (is an `await` missing?)" : ""}` : kind === "number" ? String(item) : `a ${kind}`, this, key);
    });
  } catch (error) {
    if (error instanceof Refused) throw refuse(find(value, error.holder, error.key), error.what);
    throw refuse("", error.message);
  }
  return text === undefined ? "null" : text;
}

class Refused {
  constructor(what, holder, key) {
    Object.assign(this, { what, holder, key });
  }
}

function find(root, holder, key) {
  const seen = new Set();
  const walk = (item, path) => {
    if (item === holder) return key === "" && path === "" ? "" : `${path}/${key}`;
    if (typeof item !== "object" || item === null || seen.has(item)) return undefined;
    seen.add(item);
    for (const name of Object.keys(item)) {
      const found = walk(item[name], `${path}/${name}`);
      if (found !== undefined) return found;
    }
  };
  return walk(root, "") ?? "";
}

globalThis.__witgate = {
  now,
  sleep: (ms) => contract.clock.sleep(BigInt(Math.max(0, Math.ceil(Number(ms) || 0)))),
  main: undefined,
  servers: Object.fromEntries(
    Object.entries(tools).map(([server, list]) => [
      server,
      Object.fromEntries(list.map(([shown, send, name]) => [name, bind(shown, send)])),
    ]),
  ),
  async run(text) {
    running = true;
    try {
      const main = globalThis.__witgate.main;
      if (typeof main !== "function") throw new TypeError("the default export is not a function");
      const value = await main(JSON.parse(text));
      while (pending.size > 0 && failure === null) await Promise.race(pending);
      if (failure !== null) {
        failure.unhandled = true;
        throw failure.error;
      }
      return encode(value, (path, what) => new TypeError(`the result is not JSON: ${what} at ${path || "the top"}`));
    } catch (error) {
      throw report(error);
    } finally {
      running = false;
    }
  },
};

function report(error) {
  const cause = error instanceof ToolError
    ? { kind: error.kind, tool: error.tool, message: error.message, detail: error.detail === null ? null : JSON.stringify(error.detail) }
    : null;
  const unhandled = failure?.unhandled ? "a promise was rejected and nothing handled it: " : "";
  if (error instanceof Error) {
    return { name: String(error.name), message: unhandled + String(error.message), stack: error.stack ? String(error.stack) : null, cause };
  }
  return { name: "thrown value", message: unhandled + show(error), stack: null, cause: null };
}
