/** Whole milliseconds of the monotonic clock since this process began. Never goes back. */
export function now(): number {
  return Math.trunc(performance.now());
}
