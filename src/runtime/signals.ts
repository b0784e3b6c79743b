/** Signals by number, as Linux has them on x86-64 and arm64 (signal(7)). */
const NAMES: readonly string[] = (
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU " +
  "XFSZ VTALRM PROF WINCH IO PWR SYS"
).split(" ");

/** Highest signal number. */
export const SIGNAL_MAX = 64;
export const SIGKILL = 9;

/** `SIGTERM` for 15; real-time signals, which have no name of their own, as `SIG40`. */
export function signalName(signo: number): string {
  return `SIG${NAMES[signo - 1] ?? signo}`;
}

/**
 * Signals that never reach a forward table: KILL and STOP cannot be taken, the faults mean our own defect, CHLD is the
 * reaper's, 32 and 33 are the C library's.
 */
const NEVER_FORWARDED = new Set([4, 5, 6, 7, 8, 9, 11, 17, 19, 27, 31, 32, 33]);

/** All signals that may be handed to the application as they are. */
export function forwardable(): number[] {
  const all: number[] = [];
  for (let signo = 1; signo <= SIGNAL_MAX; signo += 1) if (!NEVER_FORWARDED.has(signo)) all.push(signo);
  return all;
}
