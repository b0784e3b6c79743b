import { compareBytes } from "./bytes.ts";
import { Refusal } from "./errors.ts";
import type { Value } from "./values.ts";

const INVALID_TYPE = "a list or nil cannot be compared";

/** Go's basic kinds; list, map and nil have none. */
type Kind = "bool" | "complex" | "int" | "float" | "string" | "uint" | "invalid";

function basicKind(value: Value): Kind {
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "string":
      return "string";
    case "bigint":
      return "int";
    case "number":
      return "float";
    case "undefined":
      return "invalid";
    default:
      return value.kind === "byte" ? "uint" : value.kind === "complex" ? "complex" : "invalid";
  }
}

function incompatible(a: Kind, b: Kind): Refusal {
  const hint =
    a === "string" || b === "string" ? '; variables of the environment are strings, compare them with "…"' : "";
  return new Refusal(`incompatible types for comparison: ${a} and ${b}${hint}`);
}

/** A uint8 as the int it is compared with; Go allows that mixture alone. */
const widen = (value: Value): Value =>
  typeof value === "object" && value.kind === "byte" ? BigInt(value.value) : value;

/** `a == b` of two values, by Go's rules for eq. */
function equal(a: Value, b: Value): boolean {
  const kind = basicKind(a);
  const other = basicKind(b);
  if (kind === "invalid" || other === "invalid") {
    if (a === undefined || b === undefined) return a === b;
    if (kind !== other) throw incompatible(kind, other);
    throw new Refusal(INVALID_TYPE);
  }
  const x = widen(a);
  const y = widen(b);
  if (kind !== other && basicKind(x) !== basicKind(y)) throw incompatible(kind, other);
  if (typeof x === "object" && typeof y === "object" && x.kind === "complex" && y.kind === "complex") {
    return x.re === y.re && x.im === y.im;
  }
  return x === y;
}

/** Whether the first value equals any of the others. */
export function eq(first: Value, others: readonly Value[]): boolean {
  if (others.length === 0) throw new Refusal("missing argument for comparison");
  return others.some((other) => equal(first, other));
}

/** `a < b`; for integers, floats and strings. */
export function lt(a: Value, b: Value): boolean {
  const kind = basicKind(a);
  const other = basicKind(b);
  if (kind === "invalid" || other === "invalid") throw new Refusal(INVALID_TYPE);
  const x = widen(a);
  const y = widen(b);
  if (typeof x === "bigint" && typeof y === "bigint") return x < y;
  if (kind !== other) throw incompatible(kind, other);
  if (typeof x === "number" && typeof y === "number") return x < y;
  if (typeof x === "string" && typeof y === "string") return compareBytes(x, y) < 0;
  throw new Refusal(`values of type ${kind} have no order`);
}

/** `a <= b`. */
export const le = (a: Value, b: Value): boolean => lt(a, b) || equal(a, b);
