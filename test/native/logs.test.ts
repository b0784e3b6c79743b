import { it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { checkFlood, readers } from "./flood.ts";

const lines = 300_000;
/** The pump's buffers, and what Node does by itself. */
const growthMaxKb = 4 * 1024;

describeContainers("children's output", () => {
  it.each(Object.keys(readers))(
    "passes a flood in bounded memory to %s",
    (reader) => checkFlood(reader, lines, growthMaxKb, 60_000),
    70_000,
  );
});
