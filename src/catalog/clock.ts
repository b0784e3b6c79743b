/** Time and chance, so that tests can hold both. */
import type { Ms } from "../plan.ts";

export interface Clock {
  /** Monotonic, since some moment; with a fraction. */
  now(): Ms;
  /** Runs `due` once, later (after 24 days at the latest); the returned function cancels it (also when it has run). */
  after(ms: Ms, due: () => void): () => void;
  /** In [0, 1). */
  random(): number;
}

/** A longer timer of Node's fires at once. */
const timerMsMax: Ms = 2 ** 31 - 1;

export const realClock: Clock = {
  // Not by `performance`: its first use loads Node's perf_hooks, half a megabyte for as long as we live.
  now: () => process.uptime() * 1000,
  after(ms, due) {
    const timer = setTimeout(due, Math.min(ms, timerMsMax));
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** Between half and all of `first` × 2ⁿ, at most `max`: many containers that lost the same catalog do not come back in step. */
export function backoff(clock: Clock, failures: number, first: Ms, max: Ms): Ms {
  const whole = Math.min(max, first * 2 ** Math.min(failures, 30));
  return whole * (0.5 + clock.random() / 2);
}
