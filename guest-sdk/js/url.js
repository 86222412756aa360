// provides: URL, URLSearchParams; needs: text
// The URL standard's parser, by splitting: scheme, fragment and query first, then authority and path. Every scheme, IPv4 and
// IPv6 hosts, relative references, setters. Left out: IDNA beyond lower case, NFKC and punycode (no validity checks of labels,
// no toUnicode), blob URL stores (`createObjectURL`), and the trailing-space rules of opaque paths.
{
  const ports = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21", "file:": "" };
  const isSpecial = (scheme) => Object.hasOwn(ports, scheme);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  // What each part escapes beyond controls and non-ASCII.
  const FRAGMENT = ' "<>`';
  const QUERY = ' "#<>';
  const SPECIAL_QUERY = `${QUERY}'`;
  const PATH = `${QUERY}?^\`{}`;
  const USERINFO = `${PATH}/:;=@[\\]|`;
  const escape = (text, set) => {
    let out = "";
    for (const char of text) {
      const code = char.codePointAt(0);
      if (code > 0x1f && code < 0x7f && !set.includes(char)) out += char;
      else for (const byte of encoder.encode(char)) out += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    }
    return out;
  };
  const unescape = (text) => {
    if (!text.includes("%")) return text;
    const from = encoder.encode(text);
    const bytes = [];
    for (let at = 0; at < from.length; at++) {
      const hex = from[at] === 0x25 && at + 2 < from.length ? String.fromCharCode(from[at + 1], from[at + 2]) : "";
      if (/^[0-9a-f]{2}$/i.test(hex)) {
        bytes.push(parseInt(hex, 16));
        at += 2;
      } else bytes.push(from[at]);
    }
    return decoder.decode(new Uint8Array(bytes));
  };

  class Invalid extends Error {}
  const fail = () => {
    throw new Invalid();
  };

  const ipv4 = (host) => {
    const parts = host.split(".");
    if (parts.at(-1) === "" && parts.length > 1) parts.pop();
    const numbers = parts.map((part) => {
      if (/^0x[0-9a-f]*$/i.test(part)) return part.length === 2 ? 0 : parseInt(part, 16);
      if (/^0[0-7]*$/.test(part)) return parseInt(part, 8);
      return /^[1-9][0-9]*$/.test(part) ? parseInt(part, 10) : fail();
    });
    const last = numbers.pop();
    if (numbers.length > 3 || numbers.some((number) => number > 255) || last >= 256 ** (4 - numbers.length)) fail();
    const value = numbers.reduce((sum, number, at) => sum + number * 256 ** (3 - at), last);
    return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
  };

  const ipv6 = (text) => {
    const halves = text.split("::");
    if (halves.length > 2) fail();
    const pieces = (half, isLast) => {
      if (half === "") return [];
      return half.split(":").flatMap((piece, at, all) => {
        if (isLast && at === all.length - 1 && piece.includes(".")) {
          const bytes = piece.split(".");
          if (bytes.length !== 4 || bytes.some((byte) => !/^(0|[1-9]\d{0,2})$/.test(byte) || Number(byte) > 255)) fail();
          return [Number(bytes[0]) * 256 + Number(bytes[1]), Number(bytes[2]) * 256 + Number(bytes[3])];
        }
        return /^[0-9a-f]{1,4}$/i.test(piece) ? [parseInt(piece, 16)] : fail();
      });
    };
    const front = pieces(halves[0], halves.length === 1);
    const back = halves.length === 2 ? pieces(halves[1], true) : [];
    const gap = 8 - front.length - back.length;
    if (halves.length === 2 ? gap < 1 : gap !== 0) fail();
    const all = [...front, ...new Array(gap).fill(0), ...back];
    // The first longest run of at least two zeros is written `::`.
    let [start, length] = [-1, 1];
    for (let at = 0; at < 8; at++) {
      let end = at;
      while (end < 8 && all[end] === 0) end++;
      if (end - at > length) [start, length] = [at, end - at];
      if (end > at) at = end;
    }
    const hex = (part) => part.map((piece) => piece.toString(16)).join(":");
    return start < 0 ? `[${hex(all)}]` : `[${hex(all.slice(0, start))}::${hex(all.slice(start + length))}]`;
  };

  // RFC 3492, with its own names for the state: the next code point, the delta, the bias.
  const punycode = (label) => {
    const digit = (value) => String.fromCharCode(value < 26 ? 97 + value : 22 + value); // a-z, then 0-9
    const points = Array.from(label, (char) => char.codePointAt(0));
    let out = String.fromCharCode(...points.filter((point) => point < 128));
    const basic = out.length;
    if (basic > 0) out += "-";
    let [next, delta, bias] = [128, 0, 72];
    for (let handled = basic; handled < points.length; next++, delta++) {
      const lowest = Math.min(...points.filter((point) => point >= next));
      delta += (lowest - next) * (handled + 1);
      next = lowest;
      for (const point of points) {
        if (point < next) delta++;
        if (point !== next) continue;
        let rest = delta;
        for (let base = 36; ; base += 36) {
          const limit = Math.min(26, Math.max(1, base - bias));
          if (rest < limit) break;
          out += digit(limit + ((rest - limit) % (36 - limit)));
          rest = Math.floor((rest - limit) / (36 - limit));
        }
        out += digit(rest);
        delta = Math.floor(delta / (handled === basic ? 700 : 2));
        delta += Math.floor(delta / ++handled);
        for (bias = 0; delta > 455; bias += 36) delta = Math.floor(delta / 35);
        bias += Math.floor((36 * delta) / (delta + 38));
        delta = 0;
      }
    }
    return `xn--${out}`;
  };

  const domain = (text) => {
    if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase();
    if (text.includes("\ufffd")) fail(); // what was no UTF-8
    const mapped = text.replace(/[\u00ad\u200b\u2060\ufe00-\ufe0f\ufeff]/g, "").toLowerCase().normalize("NFKC").replace(/[\u3002\uff0e\uff61]/g, ".");
    return mapped.split(".").map((label) => (/^[\x00-\x7f]*$/.test(label) ? label : punycode(label))).join(".");
  };

  const parseHost = (text, special) => {
    if (text.startsWith("[")) return text.endsWith("]") ? ipv6(text.slice(1, -1)) : fail();
    if (!special) return /[\0\t\n\r #/:<>?@[\\\]^|]/.test(text) ? fail() : escape(text, "");
    const host = domain(unescape(text));
    if (host === "" || /[\x00-\x20#%/:<>?@[\\\]^|\x7f]/.test(host)) fail();
    const last = host.replace(/\.$/, "").split(".").at(-1);
    return /^([0-9]+|0x[0-9a-f]*)$/i.test(last) ? ipv4(host) : host;
  };

  const parsePort = (text, scheme) => {
    if (text === "") return "";
    if (!/^[0-9]+$/.test(text) || Number(text) > 65535) fail();
    const port = String(Number(text));
    return ports[scheme] === port ? "" : port;
  };

  const isDrive = (segment) => /^[a-z][:|]$/i.test(segment);
  const startsWithDrive = (text) => /^[a-z][:|]([/\\]|$)/i.test(text);
  const shorten = (record) => {
    if (record.scheme === "file:" && record.path.length === 1 && /^[a-z]:$/i.test(record.path[0])) return;
    record.path.pop();
  };
  // Appends the segments of `text`, which follows a slash, to the path.
  const addPath = (record, text) => {
    const segments = text.split(isSpecial(record.scheme) ? /[/\\]/ : "/");
    segments.forEach((segment, at) => {
      const isLast = at === segments.length - 1;
      const dots = segment.replace(/%2e/gi, ".");
      if (dots === "..") shorten(record);
      if (dots === ".." || dots === ".") {
        if (isLast) record.path.push("");
        return;
      }
      if (record.scheme === "file:" && record.path.length === 0 && isDrive(segment)) segment = `${segment[0]}:`;
      record.path.push(escape(segment, PATH));
    });
  };
  const addRooted = (record, text) => {
    const special = isSpecial(record.scheme);
    if (text === "" && !special) return;
    addPath(record, text.startsWith("/") || (special && text.startsWith("\\")) ? text.slice(1) : text);
  };

  // `[user[:password]@]host[:port]`, then the path.
  const addAuthority = (record, rest) => {
    const special = isSpecial(record.scheme);
    const end = rest.search(special ? /[/\\]/ : /\//);
    let authority = end < 0 ? rest : rest.slice(0, end);
    const at = authority.lastIndexOf("@");
    if (at >= 0) {
      const credentials = authority.slice(0, at);
      const colon = credentials.indexOf(":");
      record.username = escape(colon < 0 ? credentials : credentials.slice(0, colon), USERINFO);
      record.password = colon < 0 ? "" : escape(credentials.slice(colon + 1), USERINFO);
      authority = authority.slice(at + 1);
      if (authority === "") fail();
    }
    const [, host, port] = /^((?:\[[^\]]*(?:\]|$)|[^:[])*)(?::(.*))?$/.exec(authority) ?? fail();
    if (host === "" && (special || port !== undefined)) fail();
    record.host = host === "" ? "" : parseHost(host, special);
    record.port = parsePort(port ?? "", record.scheme);
    addRooted(record, end < 0 ? "" : rest.slice(end));
  };

  const addFile = (record, rest, base) => {
    const slashed = /^[/\\]/.test(rest);
    if (slashed && /^[/\\]{2}/.test(rest)) {
      const end = rest.slice(2).search(/[/\\]/);
      const host = end < 0 ? rest.slice(2) : rest.slice(2, end + 2);
      if (isDrive(host)) {
        addPath(record, rest.slice(2)); // a drive, not a host
        return;
      }
      const parsed = host === "" ? "" : parseHost(host, true);
      record.host = parsed === "localhost" ? "" : parsed;
      addRooted(record, end < 0 ? "" : rest.slice(end + 2));
      return;
    }
    if (base?.scheme !== "file:") {
      addRooted(record, rest);
      return;
    }
    record.host = base.host;
    if (slashed) {
      if (!startsWithDrive(rest.slice(1)) && /^[a-z]:$/i.test(base.path[0] ?? "")) record.path = [base.path[0]];
      addRooted(record, rest);
      return;
    }
    addRelativePath(record, rest, base);
  };

  const addRelativePath = (record, rest, base) => {
    record.path = [...base.path];
    if (rest === "") {
      record.query ??= base.query;
      return;
    }
    if (record.scheme === "file:" && startsWithDrive(rest)) record.path = [];
    else shorten(record);
    addPath(record, rest);
  };

  const addRelative = (record, rest, base) => {
    const special = isSpecial(record.scheme);
    if (special ? /^[/\\]{2}/.test(rest) : rest.startsWith("//")) {
      addAuthority(record, special ? rest.replace(/^[/\\]+/, "") : rest.slice(2));
      return;
    }
    for (const part of ["username", "password", "host", "port"]) record[part] = base[part];
    if (special ? /^[/\\]/.test(rest) : rest.startsWith("/")) addRooted(record, rest);
    else addRelativePath(record, rest, base);
  };

  // A record: scheme with its colon, username, password, host (null: none), port, path (a string: opaque), query, fragment.
  const parse = (input, base) => {
    const text = input.toWellFormed().replace(/^[\x00-\x20]+|[\x00-\x20]+$/g, "").replace(/[\t\n\r]/g, "");
    const record = { scheme: "", username: "", password: "", host: null, port: "", path: [], query: null, fragment: null };
    const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(text)?.[0];
    if (scheme === undefined && base === undefined) fail();
    record.scheme = scheme?.toLowerCase() ?? base.scheme;
    const special = isSpecial(record.scheme);
    let rest = scheme === undefined ? text : text.slice(scheme.length);
    const hash = rest.indexOf("#");
    if (hash >= 0) [rest, record.fragment] = [rest.slice(0, hash), escape(rest.slice(hash + 1), FRAGMENT)];
    const mark = rest.indexOf("?");
    if (mark >= 0) [rest, record.query] = [rest.slice(0, mark), escape(rest.slice(mark + 1), special ? SPECIAL_QUERY : QUERY)];

    if (scheme === undefined && typeof base.path === "string") {
      if (rest !== "" || mark >= 0 || hash < 0) fail();
      record.path = base.path;
      record.query = base.query;
    } else if (record.scheme === "file:") {
      record.host = "";
      addFile(record, rest, base);
    } else if (scheme === undefined) addRelative(record, rest, base);
    else if (special && base?.scheme === record.scheme) addRelative(record, rest, base);
    else if (special) addAuthority(record, rest.replace(/^[/\\]+/, ""));
    else if (rest.startsWith("//")) addAuthority(record, rest.slice(2));
    else if (rest.startsWith("/")) addPath(record, rest.slice(1));
    else record.path = escape(rest, "");
    return record;
  };
  const parseOrNull = (input, base) => {
    try {
      return parse(String(input), base === undefined ? undefined : parse(String(base)));
    } catch (error) {
      if (error instanceof Invalid) return null;
      throw error;
    }
  };

  const hostOf = ({ host, port }) => (host === null ? "" : port === "" ? host : `${host}:${port}`);
  const pathOf = ({ path }) => (typeof path === "string" ? path : path.map((segment) => `/${segment}`).join(""));
  const write = (record) => {
    let out = record.scheme;
    if (record.host !== null) {
      out += "//";
      if (record.username !== "" || record.password !== "") out += `${record.username}${record.password === "" ? "" : `:${record.password}`}@`;
      out += hostOf(record);
    } else if (typeof record.path !== "string" && record.path.length > 1 && record.path[0] === "") out += "/.";
    out += pathOf(record);
    if (record.query !== null) out += `?${record.query}`;
    return record.fragment === null ? out : `${out}#${record.fragment}`;
  };

  const decodeForm = (text) => unescape(text.replaceAll("+", " "));
  const encodeForm = (text) => escape(text, "!\"#$%&'()+,/:;<=>?@[\\]^`{|}~").replaceAll(" ", "+");
  const fromForm = (text) =>
    text.split("&").filter((pair) => pair !== "").map((pair) => {
      const equals = pair.indexOf("=");
      return equals < 0 ? [decodeForm(pair), ""] : [decodeForm(pair.slice(0, equals)), decodeForm(pair.slice(equals + 1))];
    });
  const usv = (value) => String(value).toWellFormed();
  const link = Symbol("link");
  const reset = Symbol("reset");

  globalThis.URLSearchParams = class URLSearchParams {
    #pairs = [];
    #changed = () => {};
    constructor(init = "") {
      if (init !== null && (typeof init === "object" || typeof init === "function")) {
        const isPairs = init[Symbol.iterator] !== undefined && init[Symbol.iterator] !== null;
        for (const item of isPairs ? init : Reflect.ownKeys(init)) {
          if (!isPairs) {
            if (Object.getOwnPropertyDescriptor(init, item)?.enumerable) this.#put(usv(item), usv(init[item]));
            continue;
          }
          if (item === null || typeof item !== "object") throw new TypeError("each pair of URLSearchParams has a name and a value");
          const pair = [...item];
          if (pair.length !== 2) throw new TypeError("each pair of URLSearchParams has a name and a value");
          this.#pairs.push(pair.map(usv));
        }
      } else this.#pairs = fromForm(usv(init).replace(/^\?/, ""));
    }
    // Two keys may become one when half pairs are replaced: the later wins.
    #put(name, value) {
      const known = this.#pairs.find((pair) => pair[0] === name);
      if (known) known[1] = value;
      else this.#pairs.push([name, value]);
    }
    [link](changed) {
      this.#changed = changed;
    }
    [reset](query) {
      this.#pairs = fromForm(query);
    }
    get size() {
      return this.#pairs.length;
    }
    append(name, value) {
      this.#pairs.push([usv(name), usv(value)]);
      this.#changed(this.toString());
    }
    delete(name, value) {
      this.#pairs = this.#pairs.filter((pair) => pair[0] !== usv(name) || (value !== undefined && pair[1] !== usv(value)));
      this.#changed(this.toString());
    }
    get(name) {
      return this.#pairs.find((pair) => pair[0] === usv(name))?.[1] ?? null;
    }
    getAll(name) {
      return this.#pairs.filter((pair) => pair[0] === usv(name)).map((pair) => pair[1]);
    }
    has(name, value) {
      return this.#pairs.some((pair) => pair[0] === usv(name) && (value === undefined || pair[1] === usv(value)));
    }
    set(name, value) {
      name = usv(name);
      const first = this.#pairs.find((pair) => pair[0] === name);
      if (first) {
        first[1] = usv(value);
        this.#pairs = this.#pairs.filter((pair) => pair === first || pair[0] !== name);
      } else this.#pairs.push([name, usv(value)]);
      this.#changed(this.toString());
    }
    sort() {
      this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      this.#changed(this.toString());
    }
    forEach(callback, self) {
      if (typeof callback !== "function") throw new TypeError("forEach takes a function");
      for (const [name, value] of this) callback.call(self, value, name, this);
    }
    *entries() {
      for (let at = 0; at < this.#pairs.length; at++) yield [...this.#pairs[at]];
    }
    *keys() {
      for (const [name] of this.entries()) yield name;
    }
    *values() {
      for (const [, value] of this.entries()) yield value;
    }
    [Symbol.iterator]() {
      return this.entries();
    }
    get [Symbol.toStringTag]() {
      return "URLSearchParams";
    }
    toString() {
      return this.#pairs.map(([name, value]) => `${encodeForm(name)}=${encodeForm(value)}`).join("&");
    }
  };

  const noCredentials = (record) => record.host === null || record.host === "" || record.scheme === "file:";

  globalThis.URL = class URL {
    #record;
    #params = new URLSearchParams();
    constructor(input, base) {
      if (arguments.length === 0) throw new TypeError("a URL is made from a text");
      this.#record = parseOrNull(input, base);
      if (this.#record === null) throw Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL", input: String(input) });
      this.#params[reset](this.#record.query ?? "");
      this.#params[link]((query) => {
        this.#record.query = query === "" ? null : query;
      });
    }
    static canParse(input, base) {
      return parseOrNull(input, base) !== null;
    }
    static parse(input, base) {
      return URL.canParse(input, base) ? new URL(input, base) : null;
    }
    // Runs a change; a part that does not parse leaves the URL as it is.
    #change(change) {
      const before = { ...this.#record, path: this.#record.path };
      try {
        change(this.#record);
      } catch (error) {
        if (!(error instanceof Invalid)) throw error;
        this.#record = before;
      }
    }
    get href() {
      return write(this.#record);
    }
    set href(value) {
      const record = parseOrNull(value);
      if (record === null) throw Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL", input: String(value) });
      this.#record = record;
      this.#params[reset](record.query ?? "");
    }
    get origin() {
      const { scheme, path } = this.#record;
      if (scheme === "blob:") {
        const inner = parseOrNull(pathOf({ path }));
        return inner !== null && /^https?:$/.test(inner.scheme) ? `${inner.scheme}//${hostOf(inner)}` : "null";
      }
      return isSpecial(scheme) && scheme !== "file:" ? `${scheme}//${hostOf(this.#record)}` : "null";
    }
    get protocol() {
      return this.#record.scheme;
    }
    set protocol(value) {
      const scheme = /^([a-z][a-z0-9+.-]*)(:|$)/i.exec(usv(value).replace(/[\t\n\r]/g, ""))?.[1].toLowerCase();
      const record = this.#record;
      if (scheme === undefined || isSpecial(`${scheme}:`) !== isSpecial(record.scheme)) return;
      if (scheme === "file" && (record.username !== "" || record.password !== "" || record.port !== "")) return;
      if (record.scheme === "file:" && record.host === "") return;
      record.scheme = `${scheme}:`;
      if (record.port === ports[record.scheme]) record.port = "";
    }
    get username() {
      return this.#record.username;
    }
    set username(value) {
      if (!noCredentials(this.#record)) this.#record.username = escape(usv(value), USERINFO);
    }
    get password() {
      return this.#record.password;
    }
    set password(value) {
      if (!noCredentials(this.#record)) this.#record.password = escape(usv(value), USERINFO);
    }
    #setHost(value, withPort) {
      this.#change((record) => {
        if (typeof record.path === "string") return;
        const special = isSpecial(record.scheme);
        const text = usv(value).replace(/[\t\n\r]/g, "").split(special ? /[/\\?#]/ : /[/?#]/)[0];
        const isFile = record.scheme === "file:";
        const [, host, port] = isFile ? [text, text] : (/^((?:\[[^\]]*(?:\]|$)|[^:[])*)(?::(.*))?$/.exec(text) ?? fail());
        if (port !== undefined && (host === "" || !withPort)) fail();
        if (host === "" && ((special && !isFile) || record.username !== "" || record.password !== "" || record.port !== "")) fail();
        const parsed = host === "" ? "" : parseHost(host, special);
        record.host = isFile && parsed === "localhost" ? "" : parsed;
        // As far as it is a port: what follows the digits is dropped.
        const digits = /^[0-9]*/.exec(port ?? "")[0];
        if (digits !== "" && Number(digits) <= 65535) record.port = parsePort(digits, record.scheme);
      });
    }
    get host() {
      return hostOf(this.#record);
    }
    set host(value) {
      this.#setHost(value, true);
    }
    get hostname() {
      return this.#record.host ?? "";
    }
    set hostname(value) {
      this.#setHost(value, false);
    }
    get port() {
      return this.#record.port;
    }
    set port(value) {
      const text = usv(value).replace(/[\t\n\r]/g, "");
      const digits = /^[0-9]+/.exec(text)?.[0];
      if (noCredentials(this.#record) || (text !== "" && digits === undefined)) return;
      this.#change((record) => {
        record.port = parsePort(digits ?? "", record.scheme);
      });
    }
    get pathname() {
      return pathOf(this.#record);
    }
    set pathname(value) {
      const record = this.#record;
      if (typeof record.path === "string") return;
      const text = usv(value).replace(/[\t\n\r]/g, "");
      record.path = [];
      if (text === "" && record.host === null) record.path.push("");
      addRooted(record, text);
    }
    get search() {
      return this.#record.query ? `?${this.#record.query}` : "";
    }
    set search(value) {
      const text = usv(value);
      const query = text.replace(/^\?/, "").replace(/[\t\n\r]/g, "");
      this.#record.query = text === "" ? null : escape(query, isSpecial(this.#record.scheme) ? SPECIAL_QUERY : QUERY);
      this.#params[reset](this.#record.query ?? "");
    }
    get searchParams() {
      return this.#params;
    }
    get hash() {
      return this.#record.fragment ? `#${this.#record.fragment}` : "";
    }
    set hash(value) {
      const text = usv(value);
      const fragment = text.replace(/^#/, "").replace(/[\t\n\r]/g, "");
      this.#record.fragment = text === "" ? null : escape(fragment, FRAGMENT);
    }
    get [Symbol.toStringTag]() {
      return "URL";
    }
    toString() {
      return this.href;
    }
    toJSON() {
      return this.href;
    }
  };
}
