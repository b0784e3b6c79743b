import { writeSync } from "node:fs";

/** How long a reader that does not read is waited for, a millisecond at a time. */
const TRIES_MAX = 1000;

/**
 * Writes all of it, synchronously. Node's own streams would set O_NONBLOCK on a pipe shared with others and lose what is not
 * written at the exit. A pipe that somebody else made non-blocking is waited for; one that nobody reads is given up.
 */
export function writeAll(fd: number, text: string | Uint8Array): void {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let done = 0, tries = 0; done < bytes.length && tries < TRIES_MAX; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
      tries += 1;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}
