/** Numbers as Go reads and writes them: sensors print what the original's `strconv` took, scrapers saw what it wrote. */

const DECIMAL_DIGITS = "\\d(?:_?\\d)*";
const HEX_DIGITS = "[\\da-f](?:_?[\\da-f])*";
const DECIMAL = new RegExp(
  `^[+-]?(?:${DECIMAL_DIGITS}(?:\\.(?:${DECIMAL_DIGITS})?)?|\\.${DECIMAL_DIGITS})(?:e[+-]?${DECIMAL_DIGITS})?$`,
  "i",
);
const HEX = new RegExp(
  `^([+-]?)0x(?:_?(${HEX_DIGITS})(?:\\.(${HEX_DIGITS})?)?|\\.(${HEX_DIGITS}))p([+-]?${DECIMAL_DIGITS})$`,
  "i",
);
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/**
 * Go's `strconv.ParseFloat(strings.TrimSpace(text), 64)`: decimal and hexadecimal floats with underscores between digits,
 * `Inf`, `Infinity` (signed or not) and `NaN` (unsigned) in any case. Undefined for anything else, and for a finite number
 * beyond the range of a double, which is an error in Go as well.
 */
export function parseNumber(text: string): number | undefined {
  const word = text.trim();
  if (word.toLowerCase() === "nan") return Number.NaN;
  const infinite = INFINITE.exec(word);
  if (infinite) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = DECIMAL.test(word) ? Number(word.replaceAll("_", "")) : parseHex(word);
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

function parseHex(word: string): number | undefined {
  const match = HEX.exec(word);
  if (!match) return undefined;
  const [, sign, whole = "", fraction = "", onlyFraction = "", power = ""] = match;
  const behindPoint = (fraction || onlyFraction).replaceAll("_", "");
  const mantissa = BigInt(`0x${whole.replaceAll("_", "")}${behindPoint}`);
  const exponent = Number(power.replaceAll("_", "")) - 4 * behindPoint.length;
  const value = scaled(mantissa, exponent);
  return sign === "-" ? -value : value;
}

/** mantissa × 2^exponent, rounded to nearest even; below the smallest normal number it may be rounded twice. */
function scaled(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const tooLong = Math.max(mantissa.toString(16).length * 4 - 128, 0);
  // What is cut off decides between two neighbours only when all else is a tie: one sticky bit is enough.
  const sticky = mantissa & ((1n << BigInt(tooLong)) - 1n) ? 1n : 0n;
  const significand = Number((mantissa >> BigInt(tooLong)) | sticky);
  const shift = Math.max(Math.min(exponent + tooLong, 4000), -4000);
  // In steps, since 2^shift alone may be out of range where the product is not.
  const step = Math.trunc(shift / 4);
  return significand * 2 ** step * 2 ** step * 2 ** step * 2 ** (shift - 3 * step);
}

/**
 * Go's `strconv.FormatFloat(value, 'g', -1, 64)`, as Prometheus' Go library writes samples: the fewest digits that read
 * back as the same number, in scientific notation below 1e-4 and from 1e+06 on.
 */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa = "", power = ""] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return String(value);
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}
