/** Kernels that are too old for a system call, and engines whose profile refuses it: whatever the error, all goes on. */
import { describe, expect, it } from "vitest";
import { describeContainers, entrypoint, fixture, run } from "../harness.ts";
import { bare, sh, soon, times, web } from "./stage.ts";

const ours = "close_range,pidfd_open,pidfd_send_signal,memfd_create,signalfd4,execveat,pwritev2,rt_sigqueueinfo";

const kernels = [
  // The C library's own threads take clone3, and go on without it for this error alone.
  ["an old kernel (ENOSYS)", 38, `clone3,${ours}`],
  ["a strict profile (EPERM)", 1, ours],
] as const;
const roles = [
  ["PID 1", [], ""],
  ["another process", ["sh", "-c", '"$@"; echo code $?', "sh"], "code 137\n"],
] as const;

describeContainers("under", () => {
  describe.each(kernels)("%s", (_, errno, calls) => {
    it.each(roles)("as %s: signals, orphans, output, checks, daemons and the exit code", async (_, shell, told) => {
      const box = await run({
        config: {
          ...bare,
          services: [{ ...web, health: "true" }],
          tasks: [{ name: "says", command: sh("echo said; sleep 0.01 &"), frequency: "300ms" }],
          stop: { strays: "300ms" },
          stopTimeout: 1,
        },
        entrypoint: [...shell, fixture("refuses-calls"), String(errno), calls, entrypoint],
        words: sh(`${fixture("daemons")} ignores:bad-one obeys:good-one; exec ${fixture("logs-signals")}`),
        timeoutMs: 60_000,
      });
      await box.waitFor(/^ready\n[\s\S]*ready$/m);
      await box.waitFor(/Service registered: web/);
      await box.waitFor(/ said\n[\s\S]* said\n/);
      await soon(async () => expect(await box.zombies()).toEqual([]));
      const init = (await box.processes()).find(({ name }) => name === "node" || name.startsWith("containerpilot"));
      const kill = (signal: string) => box.inside("kill", signal, String(init?.pid));
      for (let i = 0; i < 20; i++) await kill("-40");
      await soon(() => expect(times(box, /^got 40 /gm)).toBe(20));
      await kill("-TERM");
      expect(await box.exit).toEqual({ code: told === "" ? 137 : 0 });
      expect(times(box, /^got 15 /gm)).toBe(1);
      expect(box.stdout).toContain(told);
      expect(box.output).toMatch(/Ending \d processes that nobody else ends: .*bad-one \(\d+\)/);
      expect(box.output).toMatch(/Killing 1 process that did not end: bad-one \(\d+\)/);
      expect(times(box, /panic|fatal|ENOSYS|EPERM/g)).toBe(0);
    });
  });
});
