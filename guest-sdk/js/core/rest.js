// The part of the prelude that few runs need: how values and errors are told, and the careful way to JSON. An expression,
// evaluated when the first of it is asked for; it is given what it needs of `core.js`.
({ reported, isPromise, HostDate, Unhandled }) => {
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

  // JSON.stringify, with an error for what JSON cannot hold; any other error is the program's own, of a getter or a `toJSON`.
  function checked(value, refuse) {
    try {
      return stringify(value);
    } catch (error) {
      throw error instanceof Refused ? refuse(find(value, error.holder, error.key), error.what) : error;
    }
  }

  // JSON text with halves of characters, which are always escaped -> without.
  const whole = (text) => text.replace(/\\(?:ud[0-9a-f]{3}|.)/g, (all) => (all.length === 6 ? "\ufffd" : all));

  const strange = [Map, Set, WeakMap, WeakSet, WeakRef, RegExp, Error, ArrayBuffer, DataView, Object.getPrototypeOf(Uint8Array), Iterator];
  const deepest = 120; // the host reads 128
  function stringify(value) {
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
      return { name: "thrown value", message: plainly(thrown), stack: null, cause: null };
    }
  }

  // For a program that broke what JavaScript comes with: no method of anything is used.
  function plainly(thrown) {
    try {
      return `${thrown.name}: ${thrown.message}`;
    } catch {
      return "an error that cannot be shown";
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
    const frames = typeof error.stack === "string" ? error.stack.split("\n").filter((frame) => !frame.includes("<evalScript>")) : [];
    const stack = frames.join("\n") || null;
    return { name: fit(error.name), message: fit(message), stack: stack && fit(stack), cause: cause ?? null };
  }

  return { show, checked, whole, report };
};
