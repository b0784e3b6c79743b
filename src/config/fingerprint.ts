/** Fingerprints: equal ones mean that a reload finds a job, a watch or a whole configuration unchanged. */

/**
 * 53 bits of a mixing hash over the value's JSON. The configuration's secrets go in and cannot be read back; two values that
 * differ only in Infinity against null, which no field mixes, would look alike.
 */
export function fingerprint(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
}
