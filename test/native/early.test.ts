import { it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { checkEarlySignals } from "./early.ts";

describeContainers("the launcher", () => {
  it.each([
    ["PID 1", true],
    ["another process", false],
  ])(
    "loses no signal that comes before Node is up, as %s",
    (_, pid1) => checkEarlySignals({ count: 20, pid1 }),
    240_000,
  );
});
