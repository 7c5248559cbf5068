/** Eight tables of 256 in one: eight bytes a step. Polynomial 0xEDB88320 reflected, as zip uses it (APPNOTE 4.4.7). */
const table = (() => {
  const made = new Uint32Array(8 * 256);
  for (let n = 0; n < 256; n += 1) {
    let c = n;
    for (let k = 0; k < 8; k += 1) c = (c & 1) === 1 ? (c >>> 1) ^ 0xedb8_8320 : c >>> 1;
    made[n] = c;
  }
  for (let i = 256; i < made.length; i += 1) {
    const before = made[i - 256] ?? 0;
    made[i] = (before >>> 8) ^ (made[before & 255] ?? 0);
  }
  return made;
})();

/** CRC-32 of bytes behind those that gave `before`. The zlib of Node 20 has none in every release. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let c = ~before;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    const low = c ^ ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24));
    c = (table[1792 + (low & 255)] ?? 0) ^ (table[1536 + ((low >>> 8) & 255)] ?? 0) ^ (table[1280 + ((low >>> 16) & 255)] ?? 0) ^ (table[1024 + (low >>> 24)] ?? 0) ^ (table[768 + (bytes[at + 4] ?? 0)] ?? 0) ^ (table[512 + (bytes[at + 5] ?? 0)] ?? 0) ^ (table[256 + (bytes[at + 6] ?? 0)] ?? 0) ^ (table[bytes[at + 7] ?? 0] ?? 0);
  }
  for (; at < bytes.length; at += 1) c = (c >>> 8) ^ (table[(c ^ (bytes[at] ?? 0)) & 255] ?? 0);
  return ~c >>> 0;
}
