import { it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { checkFlood, readers } from "../native/flood.ts";

/** Of 101 bytes each: a gigabyte. */
const lines = 10_000_000;
const growthMaxKb = 4 * 1024;

describeContainers("children's output of a gigabyte", () => {
  it.each(Object.keys(readers))("passes in bounded memory to %s", (reader) => {
    return checkFlood(reader, lines, growthMaxKb, 540_000);
  });
});
