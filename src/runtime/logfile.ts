import { closeSync, openSync } from "node:fs";
import type { LogSettings, Pilot } from "../native/pilot.ts";
import type { Logging } from "../plan.ts";

const STDERR = 2;
const STANDARD = new Map([
  ["stdout", 1],
  ["stderr", STDERR],
]);
const MODE = 0o666;

/** Points the log to where the configuration wants it; a file that cannot be opened leaves the log on stderr, and says so. */
export class LogFile {
  readonly #pilot: Pilot;
  #logging: Logging | undefined;
  #opened: number | undefined;

  constructor(pilot: Pilot) {
    this.#pilot = pilot;
  }

  use(logging: Logging): void {
    this.#logging = logging;
    const before = this.#opened;
    this.#opened = undefined;
    const { fd, trouble } = this.#descriptor(logging.output);
    const { level, format, dialect } = logging;
    const settings: LogSettings = { level, format, dialect, fd };
    this.#pilot.logSettings(settings);
    if (trouble !== undefined) this.#pilot.log("warn", trouble, []);
    if (before !== undefined) closeSync(before);
  }

  /**
   * After a rotation: closes the file and opens its path again, also when it could not be opened before. Where the log goes to
   * a standard stream there is nothing to do.
   */
  reopen(): void {
    if (this.#logging !== undefined && !STANDARD.has(this.#logging.output)) this.use(this.#logging);
  }

  #descriptor(output: string): { fd: number; trouble?: string } {
    const standard = STANDARD.get(output);
    if (standard !== undefined) return { fd: standard };
    try {
      this.#opened = openSync(output, "a", MODE);
      return { fd: this.#opened };
    } catch (error) {
      return {
        fd: STDERR,
        trouble: `log file ${output} cannot be opened, logging to stderr: ${(error as Error).message}`,
      };
    }
  }
}
