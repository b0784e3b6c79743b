/** Names of signals as configurations write them, by number (Linux, all architectures that Node runs on). */
const names =
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS".split(
    " ",
  );
/** The first real-time signal a program may use; the C library keeps the two below it. */
const sigrtmin = 34;

/** `SIGHUP` for 1, `SIGRTMIN+3` for 37. */
export function signalName(signo: number): string {
  const name = names[signo - 1];
  if (name) return `SIG${name}`;
  return signo === sigrtmin ? "SIGRTMIN" : `SIGRTMIN+${signo - sigrtmin}`;
}
