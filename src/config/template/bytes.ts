/**
 * Go strings are bytes, ours UTF-16. A byte that is not part of valid UTF-8 is kept as the lone surrogate U+DC00 + byte
 * (which no valid UTF-8 decodes to), so that lengths, slices and output are those of Go to the byte.
 */

/** With the flag u a surrogate pair is one character, hence this finds only those that stand alone. */
const LONE_SURROGATE = /[\uD800-\uDFFF]/u;
const NOT_ASCII = /[^\x00-\x7f]/;
const ESCAPE_BASE = 0xdc00;

/** Whether every character is one byte long. */
export const isAscii = (text: string): boolean => !NOT_ASCII.test(text);

/** Whether the text holds bytes that are not UTF-8. */
export const hasRawBytes = (text: string): boolean => LONE_SURROGATE.test(text);

/** The lone surrogate that stands for a byte of 0x80 or more. */
export const rawByte = (byte: number): string => String.fromCharCode(ESCAPE_BASE + byte);

/** Text to bytes. */
export function encodeBytes(text: string): Uint8Array {
  if (!hasRawBytes(text)) return Buffer.from(text);
  const parts: Uint8Array[] = [];
  for (const piece of text.split(/([\uD800-\uDFFF])/u)) {
    parts.push(hasRawBytes(piece) ? Uint8Array.of(piece.charCodeAt(0) & 0xff) : Buffer.from(piece));
  }
  return Buffer.concat(parts);
}

/** Bytes to text; the opposite of encodeBytes. */
export function decodeBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = buffer.toString();
  if (!text.includes("\ufffd")) return text;
  let result = "";
  for (let at = 0; at < buffer.length; ) {
    const size = runeSize(buffer, at);
    result += size === 0 ? rawByte(buffer[at]!) : buffer.toString("utf8", at, at + size);
    at += size || 1;
  }
  return result;
}

/** Bytes that form a valid UTF-8 sequence at `at`; 0 when there is none (RFC 3629: no overlong forms, no surrogates). */
function runeSize(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  for (let i = 1; i < size; i++) {
    const byte = bytes[at + i] ?? 0;
    const low = i > 1 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const high = i > 1 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    if (byte < low || byte > high) return 0;
  }
  return size;
}

/** Length in bytes. */
export function byteLength(text: string): number {
  if (isAscii(text)) return text.length;
  // A lone surrogate counts three bytes in Buffer's eyes and stands for one.
  return Buffer.byteLength(text) - 2 * (hasRawBytes(text) ? text.split(/[\uD800-\uDFFF]/u).length - 1 : 0);
}

/** By how much a text has become shorter in front of an offset; in the order of the offsets. */
export type Shrunk = readonly { readonly at: number; readonly by: number }[];

/** Joins raw bytes that, next to each other, form valid UTF-8; nothing else in a text can change by that. */
export function joinBytes(text: string): { text: string; shrunk: Shrunk } {
  const shrunk: { at: number; by: number }[] = [];
  let by = 0;
  const joined = text.replace(/[\uD800-\uDFFF]+/gu, (run: string, at: number) => {
    const characters = decodeBytes(encodeBytes(run));
    by += run.length - characters.length;
    shrunk.push({ at: at + run.length, by });
    return characters;
  });
  return { text: joined, shrunk };
}

/** The bytes from `start` to `end`. */
export function sliceBytes(text: string, start: number, end: number): string {
  return isAscii(text) ? text.slice(start, end) : decodeBytes(encodeBytes(text).subarray(start, end));
}

/** Order by bytes, as Go compares strings; UTF-16 order differs from it above U+FFFF only. */
export function compareBytes(a: string, b: string): number {
  if (isAscii(a) || isAscii(b)) return a < b ? -1 : a > b ? 1 : 0;
  return Buffer.compare(encodeBytes(a), encodeBytes(b));
}
