import { it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { checkRandomCalls } from "../native/random-calls.ts";

describeContainers("20 000 random calls of the addon", () => {
  it.each([2, 3, 4, 5, 6])("return or throw, and nothing is spoilt: seed %i", (seed) => checkRandomCalls(seed, 20_000));
});
