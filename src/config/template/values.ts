import { compareBytes } from "./bytes.ts";
import type { Dialect } from "./node.ts";

/** Environment variables by name; undefined is as good as absent. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A Go value of the few types that templates over an environment can reach: undefined is nil (Go's invalid
 * reflect.Value), bigint int, number float64; the others carry their kind.
 */
export type Value = undefined | boolean | string | bigint | number | Byte | Complex | List | Env;

/** uint8, what indexing a string gives. */
interface Byte {
  readonly kind: "byte";
  readonly value: number;
}

/** complex128. */
interface Complex {
  readonly kind: "complex";
  readonly re: number;
  readonly im: number;
}

/** []string or []int. */
export interface List {
  readonly kind: "list";
  readonly of: "string" | "int";
  readonly items: readonly Value[];
  /** Elements of the underlying array behind the last item: Go's cap, into which a slice may be extended again. */
  readonly spare: readonly Value[];
}

/** The environment itself, a map[string]string. */
export interface Env {
  readonly kind: "map";
  readonly entries: Environment;
}

/** The value of a variable of the environment; undefined when it is not set. */
export function lookUp(env: Environment, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}

/** The names of all variables that are set, in Go's order. */
export function sortedNames(env: Environment): string[] {
  return Object.keys(env)
    .filter((name) => env[name] !== undefined)
    .sort(compareBytes);
}

export const stringList = (items: readonly string[]): List => ({ kind: "list", of: "string", items, spare: [] });

/** The name of a value's type as Go's %T writes it. */
export function typeName(value: Value, dialect: Dialect): string {
  switch (typeof value) {
    case "undefined":
      return "<nil>";
    case "boolean":
      return "bool";
    case "string":
      return "string";
    case "bigint":
      return "int";
    case "number":
      return "float64";
    default:
      switch (value.kind) {
        case "byte":
          return "uint8";
        case "complex":
          return "complex128";
        case "list":
          return `[]${value.of}`;
        case "map":
          // The originals' packages: 2.x config.Environment, 3.x template.Environment.
          return dialect === "v2" ? "config.Environment" : "template.Environment";
        default:
          return value satisfies never;
      }
  }
}

/** Go's truth: false for nil, false, zero and what is empty. */
export function isTrue(value: Value): boolean {
  if (typeof value !== "object") return Boolean(value) || Number.isNaN(value);
  switch (value.kind) {
    case "byte":
      return value.value !== 0;
    case "complex":
      return value.re !== 0 || value.im !== 0;
    case "list":
      return value.items.length > 0;
    case "map":
      return Object.values(value.entries).some((entry) => entry !== undefined);
    default:
      return value satisfies never;
  }
}

/** The value as fmt.Print writes it (verb %v). */
export function format(value: Value): string {
  switch (typeof value) {
    case "undefined":
      return "<nil>";
    case "string":
      return value;
    case "boolean":
    case "bigint":
      return String(value);
    case "number":
      return formatFloat(value);
    default:
      switch (value.kind) {
        case "byte":
          return String(value.value);
        case "complex":
          return `(${formatFloat(value.re)}${value.im < 0 || Object.is(value.im, -0) ? "" : "+"}${formatFloat(value.im)}i)`;
        case "list":
          return `[${value.items.map(format).join(" ")}]`;
        case "map":
          return `map[${sortedNames(value.entries)
            .map((name) => `${name}:${value.entries[name]}`)
            .join(" ")}]`;
        default:
          return value satisfies never;
      }
  }
}

/** The shortest digits that read back as the same float64; with an exponent where it is below -4 or above 5 (verb %g). */
export function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value < 0 ? "-Inf" : "+Inf";
  if (Object.is(value, -0)) return "-0";
  const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** fmt.Sprint: a blank between two operands of which neither is a string. */
export function sprint(values: readonly Value[]): string {
  let text = "";
  values.forEach((value, i) => {
    if (i > 0 && typeof value !== "string" && typeof values[i - 1] !== "string") text += " ";
    text += format(value);
  });
  return text;
}
