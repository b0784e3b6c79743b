/** Starts, chains, restarts and stops of ContainerPilot 3's jobs, with nothing beside the container. */
import { expect, it } from "vitest";
import { describeContainers } from "../harness.ts";
import { sh, soon, times } from "../v2/stage.ts";
import { bare, deaf, start, steady } from "./stage.ts";

const when = (once: string, source: string): object => ({ when: { once, source } });

describeContainers("a stop", () => {
  it("runs every hook on stopping, then ends the job, then runs the hooks on stopped; no sleep follows; 0", async () => {
    const box = await start({
      ...bare,
      logging: { format: "text" },
      stopTimeout: 50,
      jobs: [
        { name: "app", exec: sh("trap 'echo app: TERM; exit 3' TERM; echo up; while :; do sleep 0.05; done") },
        { name: "preStop", exec: "echo 'preStop fired on app stopping'", ...when("stopping", "app") },
        { name: "drain", exec: sh("sleep 0.3; echo drained"), ...when("stopping", "app") },
        { name: "postStop", exec: "echo 'postStop fired on app stopped'", ...when("stopped", "app") },
      ],
    });
    await box.waitFor(/msg=up/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.output).toMatch(/msg="'preStop fired on app stopping'"/);
    expect(box.output).toMatch(/msg=drained[\s\S]*msg="app: TERM"[\s\S]*msg="'postStop fired on app stopped'"/);
  });

  it("ends without jobs, with hooks whose source is misspelt or gone, and with jobs that wait for ever", async () => {
    const empty = await start({ ...bare, jobs: [] });
    const waiting = await start({
      ...bare,
      jobs: [
        { name: "early", exec: "echo early" },
        { name: "app", exec: steady },
        { name: "typo", exec: "echo never", ...when("stopping", "ap") },
        { name: "late", exec: "echo late", when: { each: "stopped", source: "early" } },
        { name: "idle", exec: "echo never", when: {} },
        { name: "signal", exec: "echo never", when: { source: "SIGUSR2" } },
      ],
    });
    await waiting.waitFor(/ up\n[\s\S]* late\n|late\n[\s\S]* up\n/);
    for (const box of [empty, waiting]) {
      // Taken from the first instruction on: there is nothing to wait for.
      box.signal("SIGTERM");
      expect(await box.exit).toEqual({ code: 0 });
    }
    expect(waiting.output).toMatch(/typo waits for ap, which does not exist/);
    expect(waiting.output).not.toMatch(/ never\n/);
  });

  it("waits for hooks no longer than the job's stopTimeout, and for the job no longer than the global one", async () => {
    const box = await start({
      ...bare,
      stopTimeout: 1,
      jobs: [
        { name: "app", exec: deaf, stopTimeout: "300ms" },
        { name: "hang", exec: sh("echo hanging; exec sleep 600"), ...when("stopping", "app") },
        { name: "after", exec: "echo after", ...when("stopped", "app") },
      ],
    });
    await box.waitFor(/ up\n/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.output).toMatch(/hanging\n[\s\S]*hang is cut short[\s\S]*app did not stop in time[\s\S]* after\n/);
  });

  it("has an overall bound where stop.within sets one, whatever hangs", async () => {
    const box = await start({
      ...bare,
      stop: { within: "2s" },
      stopTimeout: 60,
      jobs: [
        { name: "app", exec: deaf },
        { name: "hang", exec: sh("trap '' TERM; while :; do sleep 0.1; done"), ...when("stopping", "app") },
        { name: "hangs", exec: sh("trap '' TERM; while :; do sleep 0.1; done"), ...when("stopped", "app") },
      ],
    });
    await box.waitFor(/ up\n/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });

  it("is not held up by a trigger that came during a run, and every other one leads to one more run", async () => {
    const box = await start({
      ...bare,
      jobs: [
        { name: "app", exec: steady },
        {
          name: "each",
          exec: sh("echo began; until [ -e go ]; do sleep 0.05; done; echo over"),
          when: { source: "SIGUSR2" },
        },
      ],
    });
    await box.waitFor(/ up\n/);
    box.signal("SIGUSR2");
    await box.waitFor(/began\n/);
    for (let i = 0; i < 5; i++) box.signal("SIGUSR2");
    await box.inside("touch", `${box.folder}/go`);
    await soon(() => expect(times(box, / over\n/g)).toBe(2));
    await box.inside("rm", `${box.folder}/go`);
    box.signal("SIGUSR2");
    await soon(() => expect(times(box, / began\n/g)).toBe(3));
    box.signal("SIGUSR2");
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
    expect(times(box, / over\n/g)).toBe(2);
  });
});

describeContainers("the end", () => {
  it("comes when all jobs are complete, with 0 whatever their codes; words after the flags are ignored", async () => {
    const box = await start(
      {
        ...bare,
        jobs: [
          { name: "fails", exec: "false" },
          { name: "missing", exec: "/no/such/program" },
          { name: "next", exec: "echo next", ...when("exitFailed", "fails") },
          { name: "given-up", exec: "echo never", when: { once: "healthy", source: "next", timeout: "200ms" } },
          { name: "told", exec: "echo gave up", ...when("timerExpired", "given-up") },
        ],
      },
      { words: ["sleep", "600"] },
    );
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.output).toMatch(/fails exited with error: exit status 1\n/);
    expect(box.output).toMatch(/missing: '\/no\/such\/program' does not exist\n/);
    expect(box.output).toMatch(/ next\n[\s\S]* gave up\n/);
    expect(box.output).toMatch(/ignored/);
  });

  it("is not 0 for a configuration that is refused or not there, under PID 1 too", async () => {
    const refused = await start({ ...bare, jobs: [{ name: "" }] });
    expect(await refused.exit).toEqual({ code: 78 });
    const absent = await start({}, { flags: ["-config", "absent.json5"] });
    expect(await absent.exit).toEqual({ code: 66 });
    const version = await start({}, { flags: ["-version"] });
    expect(await version.exit).toEqual({ code: 0 });
    expect(version.stdout).toMatch(/^Version: \S+\nGitHash: /);
  });
});

describeContainers("restarts", () => {
  it("of a killed process are counted; a program that is not there is tried ever more slowly", async () => {
    const box = await start({
      ...bare,
      jobs: [
        { name: "app", exec: steady, restarts: "unlimited" },
        { name: "co", exec: sh("echo co up; exec sleep 601"), restarts: 1 },
        { name: "missing", exec: "/no/such/program", restarts: "unlimited" },
      ],
    });
    for (const count of [1, 2]) {
      await soon(() => expect(times(box, / co up\n/g)).toBe(count));
      await soon(async () => expect((await box.inside("pkill", "-KILL", "-f", "^sleep 601")).code).toBe(0));
    }
    await box.waitFor(/co is not restarted any more/);
    expect(times(box, / co up\n/g)).toBe(2);
    expect(times(box, /co exited with error: signal: killed\n/g)).toBe(2);
    // At once, 0.5 s, 1 s, 2 s, … where 3.8.0 made thousands of lines a second.
    expect(times(box, /missing: /g)).toBeLessThan(10);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });
});
