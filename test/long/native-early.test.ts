import { describe, it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { checkEarlySignals } from "../native/early.ts";
import { nodeOf, otherMajors } from "./node.ts";

const count = 500;

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
