// provides: AbortController, AbortSignal, Event, EventTarget; needs: exception
// Events reach one object only: no tree, no capture phase, no CustomEvent. Tools take no signal; a signal ends the program's
// own waiting. `AbortSignal.timeout` waits with the host's `__witgate.sleep(ms)` and does not keep the program alive.
{
  const stopped = Symbol("stopped");

  globalThis.Event = class Event {
    #type;
    #cancelable;
    defaultPrevented = false;
    target = null;
    currentTarget = null;
    [stopped] = false;
    constructor(type, options = {}) {
      if (arguments.length === 0) throw new TypeError("an Event has a type");
      this.#type = String(type);
      this.#cancelable = Boolean(options?.cancelable);
    }
    get type() {
      return this.#type;
    }
    get cancelable() {
      return this.#cancelable;
    }
    preventDefault() {
      if (this.#cancelable) this.defaultPrevented = true;
    }
    stopPropagation() {}
    stopImmediatePropagation() {
      this[stopped] = true;
    }
  };

  // A listener that throws stops no other one; the program hears of it when it is done.
  const drop = (error) => {
    const failed = Promise.reject(error);
    globalThis.$witgate_dropped?.(failed);
  };

  globalThis.EventTarget = class EventTarget {
    #listeners = [];
    addEventListener(type, callback, options) {
      if (callback === null || callback === undefined) return;
      const { once = false, signal } = typeof options === "object" && options !== null ? options : {};
      if (signal?.aborted) return;
      type = String(type);
      if (this.#listeners.some((known) => known.type === type && known.callback === callback)) return;
      this.#listeners.push({ type, callback, once });
      signal?.addEventListener("abort", () => this.removeEventListener(type, callback), { once: true });
    }
    removeEventListener(type, callback) {
      this.#listeners = this.#listeners.filter((known) => known.type !== String(type) || known.callback !== callback);
    }
    dispatchEvent(event) {
      if (!(event instanceof Event)) throw new TypeError("dispatchEvent takes an Event");
      event.target = event.currentTarget = this;
      const handler = this[`on${event.type}`];
      const first = typeof handler === "function" ? [{ callback: handler }] : [];
      for (const listener of [...first, ...this.#listeners.filter((known) => known.type === event.type)]) {
        if (event[stopped]) break;
        if (listener.type !== undefined && !this.#listeners.includes(listener)) continue; // removed meanwhile
        if (listener.once) this.removeEventListener(listener.type, listener.callback);
        try {
          if (typeof listener.callback === "function") listener.callback.call(this, event);
          else listener.callback.handleEvent(event);
        } catch (error) {
          drop(error);
        }
      }
      event.currentTarget = null;
      return !event.defaultPrevented;
    }
  };

  const abort = Symbol("abort");
  let making = false; // signals come from a controller or the static functions only
  const make = () => {
    making = true;
    try {
      return new AbortSignal();
    } finally {
      making = false;
    }
  };

  globalThis.AbortSignal = class AbortSignal extends EventTarget {
    #aborted = false;
    #reason = undefined;
    #followers = []; // made by `any`: aborted with this one, whatever its listeners do
    onabort = null;
    constructor() {
      if (!making) throw new TypeError("an AbortSignal comes from an AbortController");
      super();
    }
    get aborted() {
      return this.#aborted;
    }
    get reason() {
      return this.#reason;
    }
    throwIfAborted() {
      if (this.#aborted) throw this.#reason;
    }
    [abort](reason = new DOMException("This operation was aborted", "AbortError")) {
      const aborted = [];
      const mark = (signal) => {
        if (signal.#aborted) return;
        signal.#aborted = true;
        signal.#reason = reason;
        aborted.push(signal);
        signal.#followers.forEach(mark);
      };
      mark(this);
      for (const signal of aborted) signal.dispatchEvent(new Event("abort"));
    }
    static abort(reason) {
      const signal = make();
      signal[abort](reason);
      return signal;
    }
    static timeout(ms) {
      if (!(Number(ms) >= 0)) throw new RangeError("a timeout is a number of milliseconds");
      const signal = make();
      const expire = () => signal[abort](new DOMException("The operation was aborted due to timeout", "TimeoutError"));
      globalThis.__witgate.sleep(Math.trunc(ms)).then(expire, expire);
      return signal;
    }
    static any(signals) {
      const result = make();
      const all = [...signals];
      const aborted = all.find((signal) => signal.aborted);
      if (aborted !== undefined) result[abort](aborted.reason);
      else for (const signal of all) signal.#followers.push(result);
      return result;
    }
  };

  globalThis.AbortController = class AbortController {
    #signal = make();
    get signal() {
      return this.#signal;
    }
    abort(reason) {
      this.#signal[abort](reason);
    }
  };
}
