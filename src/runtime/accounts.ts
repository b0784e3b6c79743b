import type { Pilot } from "../native/pilot.ts";
import { SIGKILL } from "./signals.ts";

/** What others leave behind: processes that outlive the stop, orphans that the init has to reap. */
export class Accounts {
  readonly #pilot: Pilot;

  constructor(pilot: Pilot) {
    this.#pilot = pilot;
  }

  /** Once the application runs: looks at the limit of processes from now on. */
  begin(): void {
    const warn = (text: string): void => this.#pilot.log("warn", text, []);
    import("./pids.ts").then(
      ({ watchPids }) => watchPids(warn),
      (error) => warn(`the limit of processes cannot be watched: ${String(error)}`),
    );
  }

  /** Signals (0: only counts) every process that is left, names those it signalled, and says how many there are. */
  sweep(signo: number): number {
    const left = this.#pilot.sweep(signo);
    if (signo === 0 || left <= 0) return left;
    const swept = this.#pilot.swept();
    const names = swept.map(({ name, pid }) => `${name} (${pid})`).join(", ");
    const more = left > swept.length && swept.length > 0 ? ", …" : "";
    const about = `${left} ${left === 1 ? "process" : "processes"}`;
    const whom = names === "" ? "" : `: ${names}${more}`;
    if (signo === SIGKILL) this.#pilot.log("warn", `Killing ${about} that did not end${whom}`, []);
    else this.#pilot.log("info", `Ending ${about} that nobody else ends${whom}`, []);
    return left;
  }

  /** Many orphans have been reaped: somebody leaks processes. */
  warnOfOrphans(): void {
    const warn = (text: string): void => this.#pilot.log("warn", text, []);
    import("./orphan-words.ts").then(
      ({ orphanWords }) => warn(orphanWords(this.#pilot.orphans())),
      (error) => warn(`many orphans were reaped, and cannot be named: ${String(error)}`),
    );
  }
}
