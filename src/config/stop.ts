/** The blocks `signals` and `stop`, the same in both dialects. */
import { constants } from "node:os";
import type { JobId, Ms, Plan, SignalDeed, Stop } from "../plan.ts";
import type { Read } from "./decode.ts";
import type { STOP } from "./keys.ts";
import type { Problems } from "./problems.ts";

/** Bound of the wait for the catalog's answer to a deregistration. */
const WITHDRAW_MAX_MS: Ms = 2000;
/** Grace for processes that are left when all jobs are done. */
const STRAYS_MS: Ms = 500;
/** No connection for this long ends a drain. */
const DRAIN_QUIET_MS: Ms = 500;

export interface StopRules {
  grace: Ms;
  drain?: { quiet: Ms; max: Ms };
  plan: Plan["stop"];
  withdrawMax: Ms;
}

/** `stopTimeout` in seconds: 0 means the default of 5, a negative one no grace at all. The block's `grace` wins over it. */
export function stopRules(stopTimeout: number, block: Read<typeof STOP> | undefined): StopRules {
  const grace = block?.grace?.ms ?? (stopTimeout === 0 ? 5000 : Math.max(0, stopTimeout * 1000));
  const drain = block?.drain?.ms;
  return {
    grace,
    ...(drain ? { drain: { quiet: Math.min(DRAIN_QUIET_MS, drain), max: drain } } : {}),
    plan: { within: block?.within?.ms ?? Number.POSITIVE_INFINITY, strays: block?.strays?.ms ?? STRAYS_MS },
    withdrawMax: WITHDRAW_MAX_MS,
  };
}

/** What every job's stop begins with; a job without a service has nothing to withdraw or drain. */
export function stopOf(rules: StopRules, rest: Pick<Stop, "order" | "target" | "leftovers"> & Partial<Stop>): Stop {
  return {
    rank: 0,
    signal: 15,
    grace: rules.grace,
    hookMax: Number.POSITIVE_INFINITY,
    hooksEvenIfGone: false,
    withdrawMax: rules.withdrawMax,
    ...rest,
  };
}

const DEEDS = ["stop", "reload", "maintenance", "reopen", "event", "ignore", "forward"] as const;

/** Number of a signal by its name, with or without `SIG`, in any case; real-time ones as `RTMIN+n`. undefined: no such signal. */
export function signalNumber(name: string): number | undefined {
  const upper = name.toUpperCase();
  const full = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  if (Object.hasOwn(constants.signals, full)) return constants.signals[full as NodeJS.Signals];
  const realTime = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(full);
  if (!realTime) return undefined;
  const number = (realTime[1] === "MIN" ? 34 : 64) + Number(`${realTime[2] ?? ""}${realTime[3] ?? 0}`);
  return number >= 34 && number <= 64 ? number : undefined;
}

/** The `signals` block over the dialect's own rules: `SIGNAL: deed`, `forward:SIGNAL` sends another one on to the main job. */
export function readSignals(
  block: Readonly<Record<string, unknown>> | undefined,
  own: Readonly<Record<number, SignalDeed>>,
  main: JobId | undefined,
  problems: Problems,
): Readonly<Record<number, SignalDeed>> {
  const signals: Record<number, SignalDeed> = { ...own };
  for (const [name, given] of Object.entries(block ?? {})) {
    const number = signalNumber(name);
    const deed = toDeed(given, main);
    if (number === undefined || number === constants.signals.SIGKILL || number === constants.signals.SIGSTOP) {
      problems.error("bad-signal", ["signals", name], { atKey: true, found: name });
    } else if (deed === undefined) {
      const words = [...DEEDS.slice(0, main === undefined ? -1 : undefined), ...(main ? ["forward:SIGNAL"] : [])];
      problems.error("bad-word", ["signals", name], { found: given, about: { words } });
    } else signals[number] = deed;
  }
  return signals;
}

function toDeed(given: unknown, main: JobId | undefined): SignalDeed | undefined {
  if (typeof given !== "string") return undefined;
  if (given.startsWith("forward")) {
    if (main === undefined) return undefined;
    if (given === "forward") return { forward: main };
    const as = given.startsWith("forward:") ? signalNumber(given.slice(8)) : undefined;
    return as === undefined ? undefined : { forward: main, as };
  }
  const known = DEEDS.find((word) => word === given);
  return known === "event" ? "fact" : known === "forward" ? undefined : known;
}
