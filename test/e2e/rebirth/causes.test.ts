import { expect, it } from "vitest";
import { type Container, describeContainers } from "../harness.ts";
import { app, bare, soon, times } from "../v2/stage.ts";
import { die, mortal } from "./stage.ts";

/** The application's pid, whatever else is there. */
const appOf = async (box: Container) => (await box.processes()).find(({ ppid }) => ppid === 1)?.pid;

describeContainers(
  "the runtime dies: the application keeps its pid, is told signals, and its code is the container's",
  () => {
    it.each([
      ["throw", "throw: Error: on purpose"],
      ["rejection", "rejection: Error: on purpose"],
      ["exit", "exit"],
      ["exit-code", "exit"],
      ["abort", "abort"],
      ["heap", /^heap: /],
      ["recursion", /^throw: RangeError/],
      ["hang", "hang"],
      ["null", "segv"],
      ["null-in-thread", "segv"],
      ["several", "segv"],
      ["fpe", "fpe"],
      ["ill", "ill"],
      ["bus", "bus"],
      ["overflow", "stack"],
      ["overflow-in-thread", "stack"],
      ["corrupt", "abort"],
      ["cxx-exit", "exit"],
      ["nested", /./],
    ])("%s", async (way, cause) => {
      const box = await mortal({ config: bare, words: app });
      await box.waitFor(/ready/);
      const before = await appOf(box);
      expect(await die(box, way)).toMatch(cause);
      await soon(async () => expect(await appOf(box)).toBe(before));
      box.signal("SIGTERM");
      expect(await box.exit).toEqual({ code: 3 });
      expect(times(box, /ready/g)).toBe(1);
      expect(times(box, /got TERM/g)).toBe(1);
    });

    it("segv from outside", async () => {
      const box = await mortal({ config: bare, words: app });
      await box.waitFor(/ready/);
      box.signal("SIGSEGV");
      await box.waitFor(/the runtime has died \(segv\), it is replaced/);
      box.signal("SIGTERM");
      expect(await box.exit).toEqual({ code: 3 });
    });
  },
);
