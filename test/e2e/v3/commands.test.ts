/** How the processes of ContainerPilot 3's jobs end, and what is made of it, in one container. */
import { expect, it } from "vitest";
import { describeContainers } from "../harness.ts";
import { sh, soon, times } from "../v2/stage.ts";
import { bare, start, steady } from "./stage.ts";

const on = (once: string, source: string): object => ({ exec: `echo ${once} of ${source}`, when: { once, source } });

describeContainers("a job's process", () => {
  it("fails by its code, its signal, its time limit or its absence, with its children; a command is used again", async () => {
    const box = await start({
      ...bare,
      logging: { level: "DEBUG" },
      jobs: [
        { name: "app", exec: steady },
        { name: "odd", exec: sh("exit 255") },
        { name: "late", exec: sh("echo late began; (sleep 611); echo not reached"), timeout: "300ms" },
        { name: "gone", exec: "/no/such/program" },
        { name: "blank", exec: " " },
        { name: "spaces", exec: "printf [%s] a  b" },
        { name: "again", exec: "echo once more", restarts: 2 },
        { name: "shot", exec: sh("kill -KILL $$") },
        ...["odd", "late", "gone", "blank", "shot"].map((name) => ({
          name: `after-${name}`,
          ...on("exitFailed", name),
        })),
        { name: "after-again", ...on("stopped", "again") },
      ],
    });
    for (const line of [
      / odd exited with error: exit status 255\n/,
      / late \d+ late began\n/,
      / late timeout after 300ms: '\[-c echo late began; \(sleep 611\); echo not reached\]'\n/,
      / killing command for late\n/,
      / gone: '\/no\/such\/program' does not exist\n/,
      / blank: /,
      / spaces \d+ \[a\]\[\]\[b\]\n/,
      / shot exited with error: signal: killed\n/,
      ...["odd", "late", "gone", "blank", "shot"].map((name) => new RegExp(` exitFailed of ${name}\n`)),
      / stopped of again\n/,
    ]) {
      await box.waitFor(line);
    }
    expect(times(box, / again \d+ once more\n/g)).toBe(3);
    // One event for each end, a shell's killed child among what its group took along.
    for (const name of ["odd", "late", "gone", "blank", "shot"]) {
      expect(times(box, new RegExp(`event: \\{ExitFailed ${name}\\}`, "g"))).toBe(1);
    }
    expect(times(box, /event: \{ExitSuccess again\}/g)).toBe(3);
    expect(box.output).not.toContain("not reached\n");
    await soon(async () => expect((await box.inside("pgrep", "-f", "^sleep 611")).code).toBe(1));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });
});
