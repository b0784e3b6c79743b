import { it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { checkEarlyTerm } from "../native/early.ts";

describeContainers("the launcher", () => {
  it("loses no TERM that comes before Node is up, 500 times", () => checkEarlyTerm(500));
});
