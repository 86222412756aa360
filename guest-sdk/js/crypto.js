// provides: crypto; needs: exception
// getRandomValues and randomUUID, made from Math.random, which the host seeds: unique enough for ids, NOT cryptographic, so
// nothing secret may rest on it. No `subtle`.
{
  const kinds = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array];
  const fill = (bytes) => {
    for (let at = 0; at < bytes.length; at++) bytes[at] = Math.floor(Math.random() * 256);
    return bytes;
  };

  globalThis.crypto = {
    getRandomValues(array) {
      if (!kinds.some((kind) => array instanceof kind)) throw new DOMException("getRandomValues fills an integer typed array", "TypeMismatchError");
      if (array.byteLength > 65536) throw new DOMException("getRandomValues fills at most 65536 bytes", "QuotaExceededError");
      fill(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
      return array;
    },
    randomUUID() {
      const bytes = fill(new Uint8Array(16));
      bytes[6] = 0x40 | (bytes[6] & 0x0f);
      bytes[8] = 0x80 | (bytes[8] & 0x3f);
      const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
    },
  };
}
