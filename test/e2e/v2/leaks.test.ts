/** Who leaves processes behind is told: in a metric, in the log, and at the end. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeContainers, entrypoint, fixture, run } from "../harness.ts";
import { bare, sh, soon, web } from "./stage.ts";

describeContainers("orphans", () => {
  it("are counted by program, and the hundredth is warned of, with the job they came from", async () => {
    const telemetry = { port: 19_394, interfaces: ["static:127.0.0.1"] };
    const box = await run({ config: { ...bare, telemetry }, words: [fixture("forks-orphan"), "120", "0"], net: "own" });
    await box.waitFor(
      /1\d\d processes were left behind .*: forks-orphan 1\d\d; the last forks-orphan \(\d+\) came from job app/,
    );
    await soon(async () => {
      const { stdout } = await box.inside("curl", "-s", "http://127.0.0.1:19394/metrics");
      expect(stdout).toContain('reaped_orphans_total{comm="forks-orphan"} 120\n');
    });
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });
});

describeContainers("a limit of processes", () => {
  it("is warned of at 80 %, once, with the programs that hold them", async () => {
    // Node itself has a dozen threads.
    // Node itself has a dozen threads.
    const many = "i=0; while [ $i -lt 75 ]; do sleep 1001 & i=$((i + 1)); done; wait";
    const box = await run({ config: bare, words: sh(many), pids: 100, timeoutMs: 60_000 });
    const [, used] = await box.waitFor(
      /(\d+) of the 100 processes and threads .* \(pids\.max\) are in use: .*sleep \d\d/,
    );
    expect(Number(used)).toBeGreaterThanOrEqual(80);
    box.signal("SIGTERM");
    await box.exit;
    expect(box.output.match(/of the 100 processes/g)).toHaveLength(1);
  });
});

describeContainers("what is left at the end", () => {
  const daemons = [fixture("ignores-term"), fixture("traps-term-exits-3")];
  /** Ends with 7 once both daemons, in sessions of their own, are there. */
  const leaves = sh(
    [
      ...daemons.map((daemon, i) => `setsid ${daemon} >daemon${i} 2>&1 </dev/null &`),
      "until grep -q ready daemon0 && grep -q ready daemon1; do sleep 0.05; done; exit 7",
    ].join(" "),
  );
  const wrapper = '"$@"; echo code $?; pgrep -x "ignores-term|traps-term.*" || echo nobody';

  it.each([
    ["PID 1", [entrypoint], false],
    ["another process", ["sh", "-c", wrapper, "sh", entrypoint], true],
  ] as const)("as %s gets TERM, its grace, KILL, and is named", async (_, start, wrapped) => {
    const box = await run({ config: { ...bare, stop: { strays: "500ms" } }, entrypoint: start, words: leaves });
    expect(await box.exit).toEqual({ code: wrapped ? 0 : 7 });
    if (wrapped) expect(box.stdout).toMatch(/code 7\nnobody\n/);
    expect(box.output).toMatch(/Ending 2 processes that nobody else ends: .*ignores-term \(\d+\)/);
    expect(box.output).toMatch(/Ending 2 .*traps-term-exit.* \(\d+\)/);
    expect(box.output).toMatch(/Killing 1 process that did not end: ignores-term \(\d+\)/);
    expect(readFileSync(join(box.folder, "daemon1"), "utf8")).toContain("got TERM");
  });
});

describeContainers("an init that is killed", () => {
  it("leaves the application alive, and no health check behind", async () => {
    const shell = ["sh", "-c", '"$@" & echo init $!; wait; sleep 1003', "sh", entrypoint];
    const services = [{ ...web, health: ["sleep", "1001"], ttl: 600, poll: 600 }];
    const box = await run({ config: { ...bare, services }, entrypoint: shell, words: ["sleep", "1002"] });
    const sleeping = async (seconds: number) => (await box.inside("pgrep", "-f", `^sleep ${seconds}$`)).stdout !== "";
    await soon(async () => expect([await sleeping(1001), await sleeping(1002)]).toEqual([true, true]));
    const [, init] = await box.waitFor(/^init (\d+)$/m);
    await box.inside("kill", "-KILL", init ?? "");
    await soon(async () => expect(await sleeping(1001)).toBe(false));
    expect(await sleeping(1002)).toBe(true);
    await box.kill();
  });
});
