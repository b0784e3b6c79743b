const ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
};

/** Go's strconv.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII blank. */
export const isPrint = (char: string): boolean => /^[ \p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(char);

const hex = (code: number, width: number): string => code.toString(16).padStart(width, "0");

function quoteChar(char: string, quote: string, ascii: boolean): string {
  const code = char.codePointAt(0)!;
  if (char === quote) return `\\${quote}`;
  if (ESCAPES[char]) return ESCAPES[char];
  // A lone surrogate stands for a byte that is not UTF-8.
  if (code >= 0xd800 && code < 0xe000) return `\\x${hex(code & 0xff, 2)}`;
  if (isPrint(char) && (code < 0x80 || !ascii)) return char;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

/** Go's strconv.Quote and QuoteRune, or, with `ascii`, their ToASCII forms. */
export function quote(text: string, mark: '"' | "'", ascii: boolean): string {
  let quoted = mark as string;
  for (const char of text) quoted += quoteChar(char, mark, ascii);
  return quoted + mark;
}

/** Whether the text could stand between back quotes. */
export const canBackquote = (text: string): boolean => !/[\x00-\x08\x0a-\x1f\x7f`\ufeff]|[\uD800-\uDFFF]/u.test(text);
