import { expect, it } from "vitest";
import { describeContainers, run } from "../harness.ts";
import { app, bare, soon, times } from "./stage.ts";

const replaced = /the runtime has died \(.*it is replaced/;

describeContainers("the runtime dies", () => {
  it("segv: the application keeps its pid, is still told signals, and its code is the container's", async () => {
    const box = await run({ config: bare, words: app });
    await box.waitFor(/ready/);
    const before = await box.processes();
    box.signal("SIGSEGV");
    await box.waitFor(replaced);
    await soon(async () => expect(await box.processes()).toEqual(before));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(times(box, /ready/g)).toBe(1);
  });
});
