// provides: DOMException; needs: nothing
// The error class of the web APIs, where the engine has none. The legacy codes are those of the names used here; the
// constants (`DOMException.ABORT_ERR` ...) are left out.
if (typeof globalThis.DOMException !== "function") {
  const codes = { InvalidCharacterError: 5, AbortError: 20, QuotaExceededError: 22, TimeoutError: 23, DataCloneError: 25, TypeMismatchError: 17 };
  globalThis.DOMException = class DOMException extends Error {
    #name;
    constructor(message = "", options = "Error") {
      super(message);
      this.#name = String(typeof options === "object" ? (options?.name ?? "Error") : options);
      if (typeof options === "object" && options !== null && "cause" in options) {
        Object.defineProperty(this, "cause", { value: options.cause, writable: true, configurable: true });
      }
    }
    get name() {
      return this.#name;
    }
    get code() {
      return codes[this.#name] ?? 0;
    }
  };
}
