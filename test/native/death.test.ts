import { expect, it } from "vitest";
import { describeContainers } from "../e2e/harness.ts";
import { drive, saidOf, starts } from "./image.ts";
import { checkForwards, checkOutlives, ways } from "./parked.ts";

describeContainers("when JavaScript dies and the runtime cannot be replaced, since no launcher has begun it", () => {
  it.each(ways)("%s: the application goes on, and its code is the container's", (way) => checkOutlives(way));

  it.each(ways)("%s: signals are forwarded", (way) => checkForwards(way));

  it.each(starts)("%s: faults that V8 catches for WebAssembly are none of ours", async (start) => {
    const box = await drive(start, ["wasm-traps"]);
    expect(await box.exit).toEqual({ code: 0 });
    expect(saidOf(box, "said")).toEqual([{ t: "said", text: "caught 200" }]);
  });

  it.each([
    ["exit", 3],
    ["abort", 70],
  ])("%s before anything was started ends the container", async (way, code) => {
    const box = await drive("launcher", ["die-alone", way]);
    expect(await box.exit).toEqual({ code });
  });
});
