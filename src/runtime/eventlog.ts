import { closeSync, constants, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import type { Effect, Input } from "../core/contract.ts";

/** One line: an input, or an effect (facts are the effects `tell`). `at` is monotonic, `wall` the calendar's, both ms. */
export type Entry = { at: number; wall: number } & ({ in: Input } | { out: Effect });

/** How many entries are kept in memory. */
export const ENTRIES_MAX = 5000;
/** The file is renamed to `FILE.1` (replacing an older one) when it has grown to this. */
export const FILE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Everything that came in and went out, in order, with causes: what `explain` and a replay read. Bounded in memory; also
 * written to a file when one is given. It holds no secret, because the core's inputs and effects hold none.
 *
 * Entries are kept as they are and put into words later: the first exec does not wait for JSON.
 */
export class EventLog {
  readonly #kept: Entry[] = [];
  #unwritten: Entry[] = [];
  #dropped = 0;
  #file: { path: string; fd: number; bytes: number } | undefined;
  #scheduled = false;
  readonly #trouble: (message: string) => void;

  constructor(path: string | undefined, trouble: (message: string) => void) {
    this.#trouble = trouble;
    if (path !== undefined && path !== "") this.#open(path);
  }

  input(at: number, input: Input): void {
    this.#add({ at, wall: Date.now(), in: input });
  }

  effect(at: number, effect: Effect): void {
    this.#add({ at, wall: Date.now(), out: effect });
  }

  /** The kept entries, oldest first, and how many older ones are gone. */
  entries(): { entries: readonly Entry[]; dropped: number } {
    return { entries: this.#kept, dropped: this.#dropped };
  }

  /** Writes what is still to be written: once before the process leaves. */
  flush(): void {
    const lines = this.#unwritten;
    this.#unwritten = [];
    this.#scheduled = false;
    if (this.#file === undefined || lines.length === 0) return;
    const text = Buffer.from(`${lines.map((entry) => JSON.stringify(entry)).join("\n")}\n`);
    const { path } = this.#file;
    try {
      if (this.#file.bytes + text.length > FILE_BYTES_MAX) this.#rotate(this.#file);
      const file = this.#file;
      let done = 0;
      while (done < text.length) done += writeSync(file.fd, text, done);
      file.bytes += text.length;
    } catch (error) {
      this.#giveUp(path, error);
    }
  }

  #add(entry: Entry): void {
    this.#kept.push(entry);
    // Cut in blocks: shifting a long array at each entry would cost more than the entry.
    if (this.#kept.length >= 2 * ENTRIES_MAX) this.#dropped += this.#kept.splice(0, ENTRIES_MAX).length;
    if (this.#file === undefined) return;
    this.#unwritten.push(entry);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  #open(path: string): void {
    try {
      // O_NONBLOCK: a fifo without a reader fails at once instead of holding up the start.
      const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
      const fd = openSync(path, flags, 0o600);
      this.#file = { path, fd, bytes: fstatSync(fd).size };
    } catch (error) {
      this.#giveUp(path, error);
    }
  }

  #rotate(file: { path: string; fd: number }): void {
    closeSync(file.fd);
    renameSync(file.path, `${file.path}.1`);
    this.#open(file.path);
  }

  #giveUp(path: string, error: unknown): void {
    this.#file = undefined;
    this.#unwritten = [];
    this.#trouble(`event log ${path} is not written any more: ${(error as Error).message}`);
  }
}
