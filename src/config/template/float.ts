/** Digits and exponents of floats as Go's strconv.FormatFloat writes them. */

/** A double has at most 1074 decimals; whatever is asked for beyond them is zeros. */
const DECIMALS_MAX = 1100;

/** value = mantissa × 2^exponent, exactly; for finite values of 0 or more. */
function split(value: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

/** numerator / denominator, a half rounded to the even neighbour. */
function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  const up = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  return up ? quotient + 1n : quotient;
}

/** value × 10^power, rounded to an integer. */
function scaled(value: number, power: number): bigint {
  const { mantissa, exponent } = split(value);
  const numerator = mantissa * 10n ** BigInt(Math.max(power, 0)) * 2n ** BigInt(Math.max(exponent, 0));
  return divideRounded(numerator, 10n ** BigInt(Math.max(-power, 0)) * 2n ** BigInt(Math.max(-exponent, 0)));
}

interface Decimal {
  /** Significant digits without zeros at the end; empty for zero. */
  readonly digits: string;
  /** Power of ten of the first digit. */
  readonly power: number;
}

/** The decimal with so many significant digits, or, without a number, with the fewest that read back as the same value. */
function decimal(value: number, count?: number): Decimal {
  if (value === 0) return { digits: "", power: 0 };
  const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
  let power = Number(exponent);
  let digits = mantissa.replace(".", "");
  if (count !== undefined) {
    digits = String(scaled(value, Math.min(count, DECIMALS_MAX) - 1 - power));
    // Rounding up may have carried into one more digit.
    if (digits.length > Math.min(count, DECIMALS_MAX)) power++;
  }
  return { digits: digits.replace(/0+$/, ""), power };
}

function exponential({ digits, power }: Decimal, precision: number, letter: string): string {
  const all = digits.padEnd(precision + 1, "0");
  const fraction = precision > 0 ? `.${all.slice(1, precision + 1)}` : "";
  return `${all[0]}${fraction}${letter}${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

function fixed(value: number, precision: number): string {
  const decimals = Math.min(precision, DECIMALS_MAX);
  const digits = String(scaled(value, decimals)).padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  return precision > 0 ? `${whole}.${digits.slice(whole.length).padEnd(precision, "0")}` : whole;
}

function general(value: number, precision: number | undefined, letter: string): string {
  const found = decimal(value, precision === undefined ? undefined : Math.max(precision, 1));
  const { power } = found;
  const count = found.digits.length;
  const whole = value === 0 ? 0 : power + 1;
  let limit = Math.max(precision ?? 6, 1);
  if (precision === undefined) limit = 6;
  else if (limit > count && count >= whole) limit = count;
  if (value !== 0 && (power < -4 || power >= limit)) return exponential(found, Math.max(count - 1, 0), letter);
  return layOut(found, Math.max(count - whole, 0));
}

/** The decimal without exponent. */
function layOut({ digits, power }: Decimal, decimals: number): string {
  if (digits === "") return "0";
  const whole = power < 0 ? "0" : digits.slice(0, power + 1).padEnd(power + 1, "0");
  const fraction = power < 0 ? "0".repeat(-power - 1) + digits : digits.slice(power + 1);
  return decimals > 0 ? `${whole}.${fraction}` : whole;
}

/** Verb b: mantissa and power of two. */
function binary(value: number): string {
  const { mantissa, exponent } = split(value);
  return `${mantissa}p${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
}

/** Verbs x and X: a hexadecimal mantissa that begins with 1, and a power of two. */
function hexadecimal(value: number, precision: number | undefined): string {
  let { mantissa, exponent } = split(value);
  if (mantissa === 0n) exponent = 0;
  else {
    while (mantissa < 1n << 52n) {
      mantissa <<= 1n;
      exponent--;
    }
    exponent += 52;
  }
  let digits = mantissa.toString(16).padStart(14, "0");
  if (precision !== undefined && precision < 13) {
    mantissa = divideRounded(mantissa, 1n << BigInt(52 - 4 * precision));
    digits = mantissa.toString(16).padStart(precision + 1, "0");
    if (digits.startsWith("2")) {
      digits = `1${digits.slice(1)}`;
      exponent++;
    }
  }
  const fraction =
    precision === undefined ? digits.slice(1).replace(/0+$/, "") : digits.slice(1).padEnd(precision, "0");
  const sign = exponent < 0 ? "-" : "+";
  return `0x${digits[0]}${fraction && `.${fraction}`}p${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** A finite value of 0 or more by one of the verbs b e E f F g G x X; without precision the shortest form. */
export function formatUnsigned(value: number, verb: string, precision: number | undefined): string {
  switch (verb) {
    case "b":
      return binary(value);
    case "e":
    case "E":
      return precision === undefined
        ? exponential(decimal(value), Math.max(decimal(value).digits.length - 1, 0), verb)
        : exponential(decimal(value, precision + 1), precision, verb);
    case "x":
      return hexadecimal(value, precision);
    case "X":
      return hexadecimal(value, precision).toUpperCase();
    case "g":
    case "G":
      return general(value, precision, verb === "G" ? "E" : "e");
    default:
      return fixed(value, precision ?? 0);
  }
}
