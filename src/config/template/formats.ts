import { encodeBytes } from "./bytes.ts";
import type { Formats } from "./funcs.ts";
import { printf } from "./printf.ts";

const HTML: Readonly<Record<string, string>> = {
  "\0": "\ufffd",
  '"': "&#34;",
  "'": "&#39;",
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

/** Go's template.HTMLEscapeString. */
const html = (text: string): string => text.replace(/[\0"'&<>]/g, (char) => HTML[char]!);

const hex4 = (code: number): string => `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`;

/** Go's template.JSEscapeString: what could end a string or a script element, and what does not print. */
function js(text: string): string {
  return text.replace(/[\\'"]|[<>&=\x00-\x1f]|[^\x00-\x7f]/gu, (char) => {
    const code = char.codePointAt(0)!;
    if (code >= 0x80)
      return code >= 0xd800 && code < 0xe000 ? char : /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(char) ? char : hex4(code);
    return "\\'\"".includes(char) ? `\\${char}` : hex4(code);
  });
}

/** Go's url.QueryEscape: all but letters, digits and `-_.~`, by bytes, a blank as `+`. */
function urlquery(text: string): string {
  return Array.from(encodeBytes(text), (byte) => {
    const char = String.fromCharCode(byte);
    if (char === " ") return "+";
    return /[A-Za-z0-9_.~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

/** printf and the escapers: a part of its own, since few configurations call them. */
export const formats: Formats = { printf, html, js, urlquery };
