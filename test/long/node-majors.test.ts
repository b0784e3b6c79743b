import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeContainers, root, run } from "../e2e/harness.ts";

/** The runtimes beside the machine's own that are supported, as npm carries them. */
const MAJORS = ["22", "24", "26"];
const SETUP_MS = 300_000;

/** Node of this major, unpacked once into build/. */
function runtime(major: string): string {
  const folder = join(root, "build/node", major);
  const node = join(folder, "package/bin/node");
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  const name = `node-linux-${process.arch}@${major}`;
  const packed = execFileSync("npm", ["pack", "--silent", name], { cwd: folder, encoding: "utf8" }).trim();
  execFileSync("tar", ["-xzf", packed, "package/bin/node"], { cwd: folder });
  return node;
}

describeContainers("every supported Node", () => {
  it.each(MAJORS)(
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
        env: { CONTAINERPILOT_NODE: runtime(major) },
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
