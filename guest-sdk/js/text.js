// provides: TextEncoder, TextDecoder, atob, btoa; needs: exception
// UTF-8 only: other labels are a RangeError. No TextEncoderStream or TextDecoderStream.
{
  const labels = ["unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "utf-8", "utf8", "x-unicode20utf8"];

  // Writes `text` from `start` on into `bytes` while whole characters fit; gives [code units read, bytes written].
  const write = (text, bytes) => {
    let read = 0;
    let written = 0;
    while (read < text.length) {
      let code = text.charCodeAt(read);
      let units = 1;
      if (code >= 0xd800 && code <= 0xdfff) {
        const next = read + 1 < text.length ? text.charCodeAt(read + 1) : 0;
        if (code < 0xdc00 && next >= 0xdc00 && next <= 0xdfff) {
          code = 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00);
          units = 2;
        } else {
          code = 0xfffd; // half of a pair
        }
      }
      const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      if (written + size > bytes.length) break;
      if (size === 1) {
        bytes[written] = code;
      } else {
        bytes[written] = [0xc0, 0xe0, 0xf0][size - 2] | (code >> (6 * (size - 1)));
        for (let at = 1; at < size; at++) bytes[written + at] = 0x80 | ((code >> (6 * (size - 1 - at))) & 0x3f);
      }
      read += units;
      written += size;
    }
    return [read, written];
  };

  globalThis.TextEncoder = class TextEncoder {
    get encoding() {
      return "utf-8";
    }
    encode(text = "") {
      text = String(text);
      const bytes = new Uint8Array(text.length * 3);
      return bytes.slice(0, write(text, bytes)[1]);
    }
    encodeInto(text, bytes) {
      if (!(bytes instanceof Uint8Array)) throw new TypeError("encodeInto writes into a Uint8Array");
      const [read, written] = write(String(text), bytes);
      return { read, written };
    }
  };

  const view = (input) => {
    if (input === undefined) return new Uint8Array(0);
    if (ArrayBuffer.isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    if (Object.prototype.toString.call(input) === "[object ArrayBuffer]") return new Uint8Array(input);
    throw new TypeError("decode takes an ArrayBuffer or a view of one");
  };

  globalThis.TextDecoder = class TextDecoder {
    #fatal;
    #ignoreBOM;
    // What a stream carries over: the character so far, bytes still missing, the range of the next byte.
    #code = 0;
    #missing = 0;
    #lower = 0x80;
    #upper = 0xbf;
    #started = false;

    constructor(label = "utf-8", options = {}) {
      const name = String(label).trim().toLowerCase();
      if (!labels.includes(name)) throw new RangeError(`the encoding "${label}" is not supported, only utf-8 is`);
      this.#fatal = Boolean(options?.fatal);
      this.#ignoreBOM = Boolean(options?.ignoreBOM);
    }
    get encoding() {
      return "utf-8";
    }
    get fatal() {
      return this.#fatal;
    }
    get ignoreBOM() {
      return this.#ignoreBOM;
    }
    decode(input, options) {
      const bytes = view(input);
      const units = [];
      const parts = [];
      const put = (code) => {
        if (!this.#started) {
          this.#started = true;
          if (code === 0xfeff && !this.#ignoreBOM) return;
        }
        if (code > 0xffff) units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + (code & 0x3ff));
        else units.push(code);
        if (units.length >= 4096) parts.push(String.fromCharCode(...units.splice(0)));
      };
      const bad = () => {
        this.#missing = 0;
        this.#lower = 0x80;
        this.#upper = 0xbf;
        if (this.#fatal) {
          this.#started = false;
          throw new TypeError("the encoded data is not valid utf-8");
        }
        put(0xfffd);
      };
      for (let at = 0; at < bytes.length; at++) {
        const byte = bytes[at];
        if (this.#missing === 0) {
          if (byte < 0x80) put(byte);
          else if (byte >= 0xc2 && byte <= 0xf4) {
            this.#missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
            this.#code = byte & (0x3f >> this.#missing);
            // No overlong forms, no surrogates, nothing above U+10FFFF.
            if (byte === 0xe0) this.#lower = 0xa0;
            if (byte === 0xed) this.#upper = 0x9f;
            if (byte === 0xf0) this.#lower = 0x90;
            if (byte === 0xf4) this.#upper = 0x8f;
          } else bad();
        } else if (byte < this.#lower || byte > this.#upper) {
          bad();
          at--; // this byte may begin a character
        } else {
          this.#lower = 0x80;
          this.#upper = 0xbf;
          this.#code = (this.#code << 6) | (byte & 0x3f);
          if (--this.#missing === 0) put(this.#code);
        }
      }
      if (!options?.stream) {
        if (this.#missing > 0) bad();
        this.#started = false;
      }
      parts.push(String.fromCharCode(...units));
      return parts.join("");
    }
  };

  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const refuse = (message) => new DOMException(message, "InvalidCharacterError");

  globalThis.btoa = function btoa(text) {
    text = String(text);
    let out = "";
    for (let at = 0; at < text.length; at += 3) {
      const [a, b, c] = [text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2)]; // NaN past the end
      if (a > 255 || b > 255 || c > 255) throw refuse("btoa takes characters up to U+00FF only");
      out += digits[a >> 2] + digits[((a & 3) << 4) | (b >> 4)];
      out += at + 1 < text.length ? digits[((b & 15) << 2) | (c >> 6)] : "=";
      out += at + 2 < text.length ? digits[c & 63] : "=";
    }
    return out;
  };

  globalThis.atob = function atob(text) {
    text = String(text).replace(/[\t\n\f\r ]/g, "");
    if (text.length % 4 === 0) text = text.replace(/==?$/, "");
    if (text.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(text)) throw refuse("the text is not correctly encoded base64");
    let out = "";
    let bits = 0;
    for (let at = 0; at < text.length; at++) {
      bits = ((bits << 6) | digits.indexOf(text[at])) & 0xffffff;
      if (at % 4 !== 0) out += String.fromCharCode((bits >> (6 - 2 * (at % 4))) & 255);
    }
    return out;
  };
}
