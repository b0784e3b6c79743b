/**
 * Go strings are bytes, ours UTF-16. A byte that is not part of valid UTF-8 is kept as the lone surrogate U+DC00 + byte
 * (which no valid UTF-8 decodes to), so that lengths, slices and output are those of Go to the byte.
 */

/** With the flag u a surrogate pair is one character, hence this finds only those that stand alone. */
const LONE_SURROGATE = /[\uD800-\uDFFF]/u;
const NOT_ASCII = /[^\x00-\x7f]/;
const ESCAPE_BASE = 0xdc00;
const REPLACEMENT = 0xfffd;

/** Whether every character is one byte long. */
export const isAscii = (text: string): boolean => !NOT_ASCII.test(text);

/** Whether the text holds bytes that are not UTF-8. */
export const hasRawBytes = (text: string): boolean => LONE_SURROGATE.test(text);

/** The lone surrogate that stands for a byte of 0x80 or more. */
export const rawByte = (byte: number): string => String.fromCharCode(ESCAPE_BASE + byte);

const isRaw = (unit: number): boolean => unit >= ESCAPE_BASE + 0x80 && unit <= ESCAPE_BASE + 0xff;

/** Text to bytes. */
export function encodeBytes(text: string): Uint8Array {
  if (!hasRawBytes(text)) return Buffer.from(text);
  const bytes = Buffer.allocUnsafe(text.length * 3);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    let code = text.codePointAt(at)!;
    if (code < 0x80 || isRaw(code)) bytes[length++] = code & 0xff;
    else {
      if (code > 0xffff) at++;
      else if (code >= 0xd800 && code < 0xe000) code = REPLACEMENT;
      length += bytes.write(String.fromCodePoint(code), length);
    }
  }
  return bytes.subarray(0, length);
}

/** Bytes to text; the opposite of encodeBytes. */
export function decodeBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = buffer.toString();
  if (!text.includes("\ufffd")) return text;
  const units = new Uint16Array(buffer.length);
  let length = 0;
  for (let at = 0; at < buffer.length; ) {
    const size = runeSize(buffer, at);
    if (size === 0) units[length++] = ESCAPE_BASE + buffer[at++]!;
    else {
      const char = size === 1 ? String.fromCharCode(buffer[at]!) : buffer.toString("utf8", at, at + size);
      for (let i = 0; i < char.length; i++) units[length++] = char.charCodeAt(i);
      at += size;
    }
  }
  return Buffer.from(units.buffer, 0, length * 2).toString("utf16le");
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
  return hasRawBytes(text) ? encodeBytes(text).length : Buffer.byteLength(text);
}

/** By how much a text has become shorter in front of an offset; in the order of the offsets. */
export type Shrunk = readonly { readonly at: number; readonly by: number }[];

/** Joins raw bytes that, next to each other, form valid UTF-8; nothing else in a text can change by that. */
export function joinBytes(text: string): { text: string; shrunk: Shrunk } {
  const shrunk: { at: number; by: number }[] = [];
  let joined = "";
  let by = 0;
  let done = 0;
  for (let at = 0; at < text.length; at++) {
    if (text.codePointAt(at)! > 0xffff) at++;
    else if (isRaw(text.charCodeAt(at)) && isRaw(text.charCodeAt(at + 1))) {
      let end = at + 2;
      while (isRaw(text.charCodeAt(end))) end++;
      const characters = decodeBytes(encodeBytes(text.slice(at, end)));
      joined += text.slice(done, at) + characters;
      by += end - at - characters.length;
      shrunk.push({ at: end, by });
      done = end;
      at = end - 1;
    }
  }
  return { text: joined + text.slice(done), shrunk };
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
