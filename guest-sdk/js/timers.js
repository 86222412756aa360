// provides: setTimeout, clearTimeout, setInterval, clearInterval, performance; needs: nothing
// Timers over the host's `__witgate.sleep(ms)` (a promise; waiting costs no CPU) and `performance` over `__witgate.now()`, in
// whole milliseconds. Ids are numbers. A timer does not keep the program alive: what has not fired when the default function
// is done never fires. Strings of code are not run, there is no nesting clamp, and what a callback throws fails the program.
{
  const live = new Map();
  let last = 0;
  const delay = (ms) => {
    const whole = Math.trunc(Number(ms));
    return whole > 0 && whole <= 0x7fffffff ? whole : 0;
  };
  const check = (callback, name) => {
    if (typeof callback !== "function") throw new TypeError(`${name} takes a function`);
  };
  // The prelude hears of what a callback throws or rejects with; without one, it is a plain unhandled rejection.
  const drop = (promise) => void globalThis.$witgate_dropped?.(promise);
  const fire = (callback, args) => drop((async () => callback.apply(undefined, args))());
  const step = async (id, ms, repeat) => {
    do {
      await globalThis.__witgate.sleep(ms);
      const timer = live.get(id);
      if (timer === undefined) return; // cleared
      if (!repeat) live.delete(id);
      fire(timer.callback, timer.args);
    } while (repeat);
  };
  const start = (callback, ms, args, repeat) => {
    const id = ++last;
    live.set(id, { callback, args });
    step(id, delay(ms), repeat).catch((error) => drop(Promise.reject(error))); // the clock itself failed
    return id;
  };

  globalThis.setTimeout = function setTimeout(callback, ms, ...args) {
    check(callback, "setTimeout");
    return start(callback, ms, args, false);
  };
  globalThis.setInterval = function setInterval(callback, ms, ...args) {
    check(callback, "setInterval");
    return start(callback, Math.max(1, delay(ms)), args, true);
  };
  globalThis.clearTimeout = function clearTimeout(id) {
    live.delete(Number(id));
  };
  globalThis.clearInterval = globalThis.clearTimeout;

  let origin; // the first look at the clock: a snapshot of the engine must not carry an older one
  globalThis.performance = {
    now() {
      const now = globalThis.__witgate.now();
      origin ??= now;
      return now - origin;
    },
    get timeOrigin() {
      origin ??= globalThis.__witgate.now();
      return origin;
    },
  };
}
