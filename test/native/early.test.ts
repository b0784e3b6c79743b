import { it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { checkEarlyTerm } from "./early.ts";

describeContainers("the launcher", () => {
  it("loses no TERM that comes before Node is up", () => checkEarlyTerm(40), 120_000);
});
