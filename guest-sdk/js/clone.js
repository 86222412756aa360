// provides: structuredClone, queueMicrotask; needs: exception
// structuredClone for what the language has: plain values, arrays, objects, Map, Set, Date, RegExp, Error, ArrayBuffer and its
// views, wrapper objects, cycles. `transfer` takes ArrayBuffers. Platform objects (URL ...) are a DataCloneError.
{
  const refuse = (what) => new DOMException(`${what} could not be cloned`, "DataCloneError");
  const errors = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  const TypedArray = Object.getPrototypeOf(Uint8Array);
  const without = ["Promise", "WeakMap", "WeakSet", "WeakRef", "FinalizationRegistry", "URL", "URLSearchParams", "AbortSignal", "AbortController"];

  const define = (target, key, value) => Object.defineProperty(target, key, { value, writable: true, configurable: true });

  const clone = (value, seen) => {
    if (typeof value === "symbol") throw refuse(String(value));
    if (typeof value === "function") throw refuse(`the function ${value.name || "without a name"}`);
    if (typeof value !== "object" || value === null) return value;
    if (seen.has(value)) return seen.get(value);
    const keep = (copy) => {
      seen.set(value, copy);
      return copy;
    };
    if (value instanceof Boolean || value instanceof Number || value instanceof String || value instanceof BigInt) return keep(Object(value.valueOf()));
    if (value instanceof Symbol) throw refuse("a Symbol object");
    if (value instanceof Date) return keep(new Date(value.getTime()));
    if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
    if (value instanceof ArrayBuffer) return keep(value.slice(0));
    if (ArrayBuffer.isView(value)) {
      const buffer = clone(value.buffer, seen);
      const Class = value instanceof TypedArray ? globalThis[value[Symbol.toStringTag]] : DataView;
      return keep(new Class(buffer, value.byteOffset, value instanceof DataView ? value.byteLength : value.length));
    }
    if (value instanceof Map) {
      const copy = keep(new Map());
      for (const [key, item] of [...value]) copy.set(clone(key, seen), clone(item, seen));
      return copy;
    }
    if (value instanceof Set) {
      const copy = keep(new Set());
      for (const item of [...value]) copy.add(clone(item, seen));
      return copy;
    }
    if (value instanceof Error) {
      const copy = keep(new (errors[value.name] ?? Error)());
      for (const key of ["message", "stack"]) {
        if (Object.hasOwn(value, key)) define(copy, key, String(value[key]));
      }
      if (Object.hasOwn(value, "cause")) define(copy, "cause", clone(value.cause, seen));
      return copy;
    }
    for (const name of without) {
      if (typeof globalThis[name] === "function" && value instanceof globalThis[name]) throw refuse(`a ${name}`);
    }
    const copy = keep(Array.isArray(value) ? new Array(value.length) : {});
    for (const key of Object.keys(value)) {
      // Defined, not assigned: a key `__proto__` is data here.
      if (Object.hasOwn(value, key)) Object.defineProperty(copy, key, { value: clone(value[key], seen), writable: true, enumerable: true, configurable: true });
    }
    return copy;
  };

  globalThis.structuredClone = function structuredClone(value, options) {
    if (arguments.length === 0) throw new TypeError("structuredClone takes a value");
    const seen = new Map();
    const transfer = [...(options?.transfer ?? [])];
    for (const item of transfer) {
      if (!(item instanceof ArrayBuffer) || seen.has(item)) throw refuse("a value to transfer");
      seen.set(item, item.slice(0));
    }
    const copy = clone(value, seen);
    for (const item of transfer) item.transfer?.(); // leaves the original empty, where the engine can
    return copy;
  };

  globalThis.queueMicrotask = function queueMicrotask(callback) {
    if (typeof callback !== "function") throw new TypeError("queueMicrotask takes a function");
    const done = Promise.resolve().then(() => void callback());
    globalThis.$witgate_dropped?.(done);
  };
}
