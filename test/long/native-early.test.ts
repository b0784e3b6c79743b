import { describe, it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { checkEarlySignals } from "../native/early.ts";
import { nodeOf, otherMajors } from "./node.ts";

/** Tries for each runtime and place; `EARLY_TRIES` in the environment sets another number. */
const count = Number(process.env.EARLY_TRIES ?? 500);

describeContainers("the launcher", () => {
  describe.each(["the machine's own", ...otherMajors])("with Node %s", (major) => {
    it.each([
      ["PID 1", true],
      ["another process", false],
    ])(
      `loses no signal that comes before Node is up, ${count} times, as %s`,
      (_, pid1) => {
        const other = otherMajors.find((known) => known === major);
        return checkEarlySignals({ count, pid1, atOnce: 3, ...(other !== undefined && { node: nodeOf(other) }) });
      },
      1_200_000,
    );
  });
});
