import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Waiting for what a real part does by itself; the bound is for a broken one, never for a slow one. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Settles when `holds` does; rejects with `what` and the last thing seen otherwise. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  holds: (seen: T) => boolean,
  ms = 10_000,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}; last seen: ${JSON.stringify(seen)}`);
    await sleep(5);
  }
}

/** Stops a process; settles when none of its threads runs any more. */
export async function stop(child: ChildProcess | undefined): Promise<void> {
  child?.kill("SIGSTOP");
  const tasks = `/proc/${child?.pid}/task`;
  const states = (): (string | undefined)[] =>
    readdirSync(tasks).map((task) => /\) (\S)/.exec(readFileSync(`${tasks}/${task}/stat`, "utf8"))?.[1]);
  await until("every thread is stopped", states, (all) => all.every((state) => state === "T"));
}
