/** Durations as Go writes them, in milliseconds. */
import type { Ms } from "../plan.ts";

/** A duration with the text it was written as, for log lines that repeat it. */
export interface Span {
  ms: Ms;
  text: string;
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "\u00b5s": 1e-3,
  "\u03bcs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;

/** Go holds durations in 64 bits of nanoseconds. */
const MAX: Ms = 2 ** 63 / 1e6;

/**
 * Reads a Go duration: an optional sign and decimal numbers with units, such as `1h10m` or `1500ms`. With `bare`, an integer
 * without a unit is a number of seconds, as ContainerPilot reads timeouts and frequencies. undefined: not a duration.
 */
export function parseDuration(text: string, bare: boolean): Ms | undefined {
  let ms: Ms | undefined;
  if (/^[+-]?\d+$/.test(text)) ms = bare || Number(text) === 0 ? Number(text) * 1000 : undefined;
  else ms = parseParts(text);
  return ms === undefined || Math.abs(ms) >= MAX ? undefined : ms;
}

function parseParts(text: string): Ms | undefined {
  const sign = text[0] === "-" ? -1 : 1;
  let at = text[0] === "-" || text[0] === "+" ? 1 : 0;
  let ms = 0;
  if (at === text.length) return undefined;
  while (at < text.length) {
    PART.lastIndex = at;
    const part = PART.exec(text);
    if (!part) return undefined;
    ms += Number(part[1]) * UNITS[part[2] as string]!;
    at = PART.lastIndex;
  }
  return sign * ms;
}

/** A duration as Go prints it: `1h10m0s`, `1.5s`, `100ms`. */
export function formatDuration(ms: Ms): string {
  const sign = ms < 0 ? "-" : "";
  const size = Math.abs(ms);
  if (size === 0) return "0s";
  if (size < 1e-3) return `${sign}${Math.round(size * 1e6)}ns`;
  if (size < 1) return `${sign}${trimmed(size * 1e3)}\u00b5s`;
  if (size < 1000) return `${sign}${trimmed(size)}ms`;
  const hours = Math.floor(size / 3_600_000);
  const minutes = Math.floor(size / 60_000) % 60;
  const seconds = `${trimmed((size % 60_000) / 1000)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

/** Nanoseconds are the last digit that Go has. */
function trimmed(value: number): string {
  return value.toFixed(9).replace(/\.?0+$/, "");
}
