import { expect, it } from "vitest";
import { type Container, describeContainers } from "../harness.ts";
import { app, bare, soon, times } from "../v2/stage.ts";
import { causes, die, mortal } from "./stage.ts";

/** The application's pid, whatever else is there. */
const appOf = async (box: Container) => (await box.processes()).find(({ ppid }) => ppid === 1)?.pid;

describeContainers(
  "the runtime dies: the application keeps its pid, is told signals, and its code is the container's",
  () => {
    it.each(causes)("%s", async (way, cause) => {
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
