/** What the log hears of a catalog that fails: one line when an outage begins, one when it ends, however many calls fail. */
import type { CatalogError, CatalogLog } from "./catalog.ts";
import type { Clock } from "./clock.ts";

export class Outage {
  readonly #log: (line: CatalogLog) => void;
  readonly #clock: Clock;
  /** Called once an outage, at its first answer: whoever waits should try again now. */
  readonly #returned: () => void;
  /** Subjects (a service, a query) whose last call was `down`. */
  readonly #down = new Set<string>();
  /** What the catalog last said no to, by subject. */
  readonly #refused = new Map<string, string>();
  #since = 0;
  #answered = false;

  constructor(log: (line: CatalogLog) => void, clock: Clock, returned: () => void) {
    this.#log = log;
    this.#clock = clock;
    this.#returned = returned;
  }

  /** A call for `subject` failed; `words` begins the line, as the original words it. */
  failed(subject: string, words: string, error: CatalogError): void {
    const message = `${words}: ${error.message}`;
    if (error.kind === "down") {
      const begins = this.#down.size === 0;
      if (begins) {
        this.#since = this.#clock.now();
        this.#answered = false;
      }
      this.#down.add(subject);
      this.#log({ level: begins ? "warn" : "debug", message });
      return;
    }
    const known = this.#refused.get(subject) === error.message;
    this.#refused.set(subject, error.message);
    this.#log({ level: known ? "debug" : "warn", message });
    this.#up(subject);
  }

  /** A call for `subject` was answered as it should be. */
  worked(subject: string): void {
    if (this.#refused.delete(subject)) this.#log({ level: "info", message: `The catalog accepts ${subject} again` });
    this.#up(subject);
  }

  /** The subject is not asked for any more. */
  forget(subject: string): void {
    this.#refused.delete(subject);
    this.#down.delete(subject);
  }

  #up(subject: string): void {
    if (!this.#down.delete(subject)) return;
    if (this.#down.size === 0) {
      const seconds = Math.round((this.#clock.now() - this.#since) / 1000);
      this.#log({ level: "info", message: `The catalog answers again after ${seconds} s` });
    }
    if (this.#answered) return;
    this.#answered = true;
    this.#returned();
  }
}
