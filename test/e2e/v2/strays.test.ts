/** Daemons that outlive their application: TERM, their grace, KILL, each named in the log; as PID 1 and below another one. */
import { describe, expect, it } from "vitest";
import { type Container, describeContainers, entrypoint, fixture, run } from "../harness.ts";
import { bare } from "./stage.ts";

/** Says the code, then who is left. */
const wrapper =
  '"$@"; echo code $?; for status in /proc/[0-9]*/status; do head -n 1 "$status"; done 2>/dev/null | sort; echo listed';

const roles = [
  ["PID 1", [entrypoint]],
  ["another process", ["sh", "-c", wrapper, "sh", entrypoint]],
] as const;

describeContainers("daemons that are left at the end", () => {
  describe.each(roles)("of an init that is %s", (role, start) => {
    const leave = async (strays: string, ...daemons: string[]): Promise<Container> => {
      const config = { ...bare, stop: { strays } };
      const box = await run({ config, entrypoint: start, words: [fixture("daemons"), ...daemons], timeoutMs: 60_000 });
      expect(await box.exit).toEqual({ code: role === "PID 1" ? 7 : 0 });
      expect(box.stdout).toContain("ready\n");
      if (role !== "PID 1") {
        expect(box.stdout).toContain("code 7\n");
        expect(box.stdout).toContain("listed\n");
        for (const daemon of daemons) expect(box.stdout).not.toContain(`Name:\t${daemon.split(":")[1]}\n`);
      }
      return box;
    };

    it("those that obey are ended by TERM, the others by KILL", async () => {
      const box = await leave("500ms", "obeys:good-one", "ignores:bad-one", "stopped:sleeping-one", "obeys:good-two");
      expect(box.output).toMatch(/Ending 4 processes that nobody else ends: .*\n/);
      for (const name of ["good-one", "bad-one", "sleeping-one", "good-two"])
        expect(box.output).toMatch(new RegExp(`Ending 4 .*\\b${name} \\(\\d+\\)`));
      expect(box.output).toMatch(/Killing 2 processes that did not end: .*\n/);
      for (const name of ["bad-one", "sleeping-one"])
        expect(box.output).toMatch(new RegExp(`Killing 2 .*\\b${name} \\(\\d+\\)`));
      expect(box.output).not.toMatch(/Killing .*good-one/);
    });

    it("nobody escapes by forking when TERM comes", async () => {
      const box = await leave("500ms", "forks:hydra");
      expect(box.output).toMatch(/Ending \d+ process(es)? that nobody else ends?: hydra \(\d+\)/);
    });

    it("a name holds whatever it likes, and stays one word of one line", async () => {
      const box = await leave("500ms", "ignores:a\nb", "ignores:x) Z 1 (y", "ignores:\u001b[31mred", "ignores:");
      expect(box.output).toMatch(/^.*Ending 4 processes that nobody else ends: .*$/m);
      expect(box.output).toMatch(/Ending 4 .*a\?b \(\d+\)/);
      expect(box.output).toMatch(/Killing 4 .*x\) Z 1 \(y \(\d+\)/);
      expect(box.output).not.toContain("\u001b");
    });

    it("many are all ended, and not all named", async () => {
      const many = Array.from({ length: 40 }, (_, i) => `${i % 2 ? "obeys" : "ignores"}:daemon${i}`);
      const box = await leave("300ms", ...many);
      expect(box.output).toMatch(/Ending 40 processes that nobody else ends: .*, …\n/);
      expect(box.output).toMatch(/Killing 20 processes that did not end: .*daemon0 \(\d+\)/);
    });
  });
});
