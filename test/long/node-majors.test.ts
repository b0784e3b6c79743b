import { expect, it } from "vitest";
import { describeContainers, run } from "../e2e/harness.ts";
import { nodeOf, otherMajors } from "./node.ts";

const SETUP_MS = 300_000;

describeContainers("every supported Node", () => {
  it.each(otherMajors)(
    "%s registers, forwards a signal, reloads, stops, and leaves with the application's code",
    async (major) => {
      const traps =
        "trap 'echo app: TERM; exit 3' TERM; trap 'echo app: WINCH' WINCH; echo up; while :; do sleep 0.05; done";
      const box = await run({
        config: {
          directory: "catalog",
          services: [{ name: "web", port: 8000, health: "true", poll: 1, ttl: 5, interfaces: "static:10.1.2.3" }],
          preStop: "echo preStop",
          postStop: "echo postStop",
        },
        words: ["sh", "-c", traps],
        env: { CONTAINERPILOT_NODE: nodeOf(major) },
      });
      await box.waitFor(/Service registered: web/);
      expect((await box.inside("cat", "/proc/1/cmdline")).stdout).toContain(`build/node/${major}/`);
      box.signal("SIGWINCH");
      await box.waitFor(/app: WINCH/);
      box.signal("SIGHUP");
      await box.waitFor(/Reloading configuration/);
      box.signal("SIGTERM");
      expect(await box.exit).toEqual({ code: 3 });
      expect(box.stdout).toMatch(/preStop\n[\s\S]*app: TERM\n[\s\S]*postStop\n/);
    },
    SETUP_MS,
  );
});
