/** Signals by number, as Linux has them on x86-64 and arm64 (signal(7)). */
const NAMES: readonly string[] = (
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU " +
  "XFSZ VTALRM PROF WINCH IO PWR SYS"
).split(" ");

export const SIGKILL = 9;

/** `SIGTERM` for 15; real-time signals, which have no name of their own, as `SIG40`. */
export function signalName(signo: number): string {
  return `SIG${NAMES[signo - 1] ?? signo}`;
}
