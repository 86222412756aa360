// What a JavaScript or TypeScript program finds beside its tools. The language itself is ES2023 (`"lib": ["es2023"]`, no DOM);
// the tools' own declarations (`mcp:...` modules) come from `witgate gen`. Nothing else is there: no fetch, no files, no process.

/** Any JSON value: what a program takes, gives back, and what a tool without an output schema returns. */
type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** The shape of a program's default export. */
type Program = (input: any) => unknown | Promise<unknown>;

/** Why a tool call failed. */
type ToolErrorKind =
  /** The arguments break the tool's input schema; nothing was sent. */
  | "invalid-arguments"
  /** The grants do not allow this call; nothing was sent. */
  | "denied"
  /** A budget of the run is used up; nothing was sent. */
  | "limit"
  /** The tool ran and reported a failure. */
  | "tool-failed"
  /** The tool's result breaks its output schema. */
  | "invalid-result"
  /** The server could not be reached, died, or did not answer in time. */
  | "unavailable";

/** A failed tool call, thrown by the call. */
declare class ToolError extends Error {
  readonly name: "ToolError";
  readonly kind: ToolErrorKind;
  /** `server/tool`, as the server spells it. */
  readonly tool: string;
  readonly message: string;
  /** What the tool or the check reported; null when there is nothing. */
  readonly detail: JsonValue;
  private constructor();
}

/** Log lines; they reach the person's stderr, never the result. */
declare const console: {
  debug(...parts: unknown[]): void;
  log(...parts: unknown[]): void;
  info(...parts: unknown[]): void;
  warn(...parts: unknown[]): void;
  error(...parts: unknown[]): void;
  trace(...parts: unknown[]): void;
  dir(value: unknown): void;
  table(value: unknown): void;
  dirxml(...parts: unknown[]): void;
  group(...parts: unknown[]): void;
  groupCollapsed(...parts: unknown[]): void;
  groupEnd(): void;
  assert(condition: unknown, ...parts: unknown[]): void;
  count(label?: string): void;
  countReset(label?: string): void;
  time(label?: string): void;
  timeLog(label?: string, ...parts: unknown[]): void;
  timeEnd(label?: string): void;
};

/** A timer does not keep the program alive: what has not fired when the default function is done never fires. */
declare function setTimeout<Args extends unknown[]>(callback: (...args: Args) => unknown, ms?: number, ...args: Args): number;
declare function setInterval<Args extends unknown[]>(callback: (...args: Args) => unknown, ms?: number, ...args: Args): number;
declare function clearTimeout(id: number | undefined): void;
declare function clearInterval(id: number | undefined): void;
declare function queueMicrotask(callback: () => void): void;

/** Whole milliseconds, as the host tells them. */
declare const performance: { now(): number; readonly timeOrigin: number };

/** Functions, symbols and platform objects are a `DataCloneError`. */
declare function structuredClone<T>(value: T, options?: { transfer?: ArrayBuffer[] }): T;

/** `text` holds characters up to U+00FF. */
declare function btoa(text: string): string;
declare function atob(base64: string): string;

declare class TextEncoder {
  readonly encoding: "utf-8";
  encode(text?: string): Uint8Array;
  encodeInto(text: string, bytes: Uint8Array): { read: number; written: number };
}

/** UTF-8 only. */
declare class TextDecoder {
  constructor(label?: "utf-8" | "utf8", options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: "utf-8";
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(bytes?: ArrayBufferLike | ArrayBufferView, options?: { stream?: boolean }): string;
}

declare class URL {
  constructor(url: string | URL, base?: string | URL);
  static canParse(url: string | URL, base?: string | URL): boolean;
  static parse(url: string | URL, base?: string | URL): URL | null;
  href: string;
  readonly origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  readonly searchParams: URLSearchParams;
  hash: string;
  toString(): string;
  toJSON(): string;
}

declare class URLSearchParams implements Iterable<[string, string]> {
  constructor(init?: string | Iterable<readonly [string, string]> | Record<string, string>);
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  forEach(callback: (value: string, name: string, params: URLSearchParams) => void, self?: unknown): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
  toString(): string;
}

declare class Event {
  constructor(type: string, options?: { cancelable?: boolean });
  readonly type: string;
  readonly cancelable: boolean;
  readonly defaultPrevented: boolean;
  readonly target: EventTarget | null;
  readonly currentTarget: EventTarget | null;
  preventDefault(): void;
  stopPropagation(): void;
  stopImmediatePropagation(): void;
}

type EventListener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown };

/** Events reach one object only: no tree, no capture phase. */
declare class EventTarget {
  addEventListener(type: string, listener: EventListener | null, options?: { once?: boolean; signal?: AbortSignal }): void;
  removeEventListener(type: string, listener: EventListener | null): void;
  dispatchEvent(event: Event): boolean;
}

/** Ends the program's own waiting; tools take no signal. */
declare class AbortSignal extends EventTarget {
  private constructor();
  static abort(reason?: unknown): AbortSignal;
  static timeout(ms: number): AbortSignal;
  static any(signals: Iterable<AbortSignal>): AbortSignal;
  readonly aborted: boolean;
  readonly reason: any;
  onabort: ((event: Event) => unknown) | null;
  throwIfAborted(): void;
}

declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare class DOMException extends Error {
  constructor(message?: string, name?: string | { name?: string; cause?: unknown });
  readonly name: string;
  readonly code: number;
}

/** Made from `Math.random`: unique enough for ids, not cryptographic. */
declare const crypto: {
  getRandomValues<T extends Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array>(array: T): T;
  randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
};
