/** Which outcomes of a number of choices are tried. */

/** One outcome for each choice; undefined leaves it to its value. */
export type Outcomes = readonly (boolean | undefined)[];

/** All combinations are tried up to this many; of more, those of few choices. */
export const COMBINATIONS_MAX = 512;

/**
 * Every combination of outcomes, or, where they are too many, all and none taken, each choice alone and then pairs of them, the
 * rest left to their values.
 */
export function combinations(choices: number): { list: readonly Outcomes[]; complete: boolean } {
  if (2 ** choices <= COMBINATIONS_MAX) {
    const list = Array.from({ length: 2 ** choices }, (_, bits) => {
      return Array.from({ length: choices }, (_, index) => ((bits >> index) & 1) === 1);
    });
    return { list: choices === 0 ? [] : list, complete: true };
  }
  const free: Outcomes = new Array<undefined>(choices).fill(undefined);
  const list: Outcomes[] = [true, false].map((outcome) => free.map(() => outcome));
  const both = [true, false];
  for (let one = 0; one < choices; one += 1) for (const outcome of both) list.push(free.with(one, outcome));
  for (let one = 0; one < choices && list.length < COMBINATIONS_MAX; one += 1) {
    for (let other = one + 1; other < choices; other += 1) {
      for (const first of both) for (const second of both) list.push(free.with(one, first).with(other, second));
    }
  }
  return { list: list.slice(0, COMBINATIONS_MAX), complete: false };
}
