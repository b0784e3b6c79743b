/** Fingerprints: equal ones mean that a reload finds a job, a watch or a whole configuration unchanged. */

/**
 * 53 bits of a mixing hash over the value's JSON, four bytes at a time: node:crypto would cost more to load than all of this
 * takes. The configuration's secrets go in and cannot be read back. Infinity and null look alike, which no field mixes.
 */
export function fingerprint(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  const size = Buffer.byteLength(text);
  const bytes = Buffer.alloc(Math.ceil(size / 4) * 4);
  bytes.write(text);
  let a = 0xdeadbeef ^ size;
  let b = 0x41c6ce57;
  for (const word of new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)) {
    a = Math.imul(a ^ word, 2654435761);
    b = Math.imul(b ^ word ^ (a >>> 15), 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
}
