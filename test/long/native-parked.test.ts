/** The dead runtime that stays where it is, again and again: a rare hang shows in numbers alone. */
import { dirname } from "node:path";
import { describe, it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { checkForwards, checkOutlives, type Way, ways } from "../native/parked.ts";
import { nodeOf, otherMajors } from "./node.ts";

/** Tries for each way and runtime; `PARKED_TRIES` in the environment sets another number. */
const tries = Number(process.env.PARKED_TRIES ?? 50);
const atOnce = 3;

async function again(way: Way, node: string | undefined): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < tries; i = next++)
      await (i % 2 === 0 ? checkOutlives(way, node) : checkForwards(way, node));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

describeContainers("a runtime that dies and cannot be replaced", () => {
  describe.each(["the machine's own", ...otherMajors])("Node %s", (major) => {
    it.each(ways)(
      `by %s, ${tries} times: the code is the application's, and signals are forwarded`,
      (way) => {
        const other = otherMajors.find((known) => known === major);
        return again(way, other === undefined ? undefined : dirname(nodeOf(other)));
      },
      1_800_000,
    );
  });
});
