//: result ["undefined","undefined","undefined","undefined","undefined","fallback"]
export default () => [typeof fetch, typeof process, typeof require, typeof Intl, typeof window, globalThis.Deno?.version ?? "fallback"];
