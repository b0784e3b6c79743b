/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/**
 * Runs every side once a round, in an order that changes, so that a slow minute hits all of them alike.
 * @param {readonly string[]} names
 * @param {(name: string) => Promise<number>} once
 * @returns {Promise<Record<string, number[]>>}
 */
export async function rounds(names, count, once) {
  const values = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -1; round < count; round += 1) {
    const order = names.map((_, index) => names[(index + Math.max(round, 0)) % names.length]);
    for (const name of order) {
      const value = await once(name);
      // The first round warms the page cache and counts for nobody.
      if (round >= 0) values[name].push(value);
    }
  }
  return values;
}

/** Medians, and the median of the ratios round by round against `base`. */
export function compare(values, base) {
  return Object.entries(values).map(([name, list]) => ({
    name,
    n: list.length,
    median: median(list),
    ratio: median(list.map((value, round) => value / values[base][round])),
  }));
}
