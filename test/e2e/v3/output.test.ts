/** What ContainerPilot 3's jobs and checks print, where it goes, and what they see in their environment. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeContainers } from "../harness.ts";
import { sh, soon, times } from "../v2/stage.ts";
import { bare, start } from "./stage.ts";

const health = (exec: string | string[], more: object = {}): object => ({
  health: { exec, interval: 1, ttl: 5, ...more },
});
const raw = { logging: { raw: true } };

describeContainers("output", () => {
  it("of jobs and checks is wrapped with their names, or raw, one by one", async () => {
    const box = await start({
      ...bare,
      logging: { level: "DEBUG", format: "text" },
      jobs: [
        { name: "job1", exec: sh("echo job1 exec; echo job1 error >&2; exec sleep 600"), ...health("true") },
        { name: "job2", exec: sh("echo job2 exec; echo job2 error >&2; exec sleep 600"), ...raw },
        { name: "job3", exec: "sleep 600", ...health("echo job3 health", raw) },
        { name: "job4", exec: "sleep 600", ...health("echo job4 health") },
        { name: "long", exec: sh("head -c 70000 /dev/zero | tr '\\0' x; printf end") },
        { name: "after", exec: "echo after", when: { once: "exitSuccess", source: "long" } },
      ],
    });
    const lines = [
      /msg="loaded config: /,
      /level=info msg="job1 exec" job=job1 pid=\d+ \n/,
      /level=info msg="job1 error" job=job1 pid=\d+ \n/,
      /^job2 exec$/m,
      /^job2 error$/m,
      /^job3 health$/m,
      /level=info msg="job4 health" check=check\.job4 pid=\d+ \n/,
      // 3.8.0 closed the pipe of a line over 64 KiB, and the run had failed.
      /msg=x+end job=long part=2 pid=\d+ \n/,
      /msg=after job=after/,
      /level=debug msg="event: \{StatusHealthy job4\}" \n/,
    ];
    for (const line of lines) await box.waitFor(line);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });

  it("goes to a file, which USR1 opens anew", async () => {
    const box = await start({
      directory: "catalog",
      logging: { output: "pilot.log", format: "json" },
      jobs: [{ name: "job", exec: "echo hello world", when: { interval: "200ms" } }],
    });
    const log = join(box.folder, "pilot.log");
    const hellos = (file: string): number => readFileSync(file, "utf8").split('"msg":"hello world"').length - 1;
    await soon(() => expect(hellos(log)).toBeGreaterThan(1));
    renameSync(log, `${log}.1`);
    const before = hellos(`${log}.1`);
    await soon(() => expect(hellos(`${log}.1`)).toBeGreaterThan(before));
    box.signal("SIGUSR1");
    await soon(() => expect(hellos(log)).toBeGreaterThan(0));
    // Where the file cannot be opened the log goes to stderr, until it can be again.
    unlinkSync(log);
    mkdirSync(log);
    box.signal("SIGUSR1");
    await box.waitFor(/"msg":"log file pilot\.log cannot be opened, logging to stderr: /, "stderr");
    await box.waitFor(/"msg":"hello world"/, "stderr");
    rmdirSync(log);
    box.signal("SIGUSR1");
    await soon(() => expect(existsSync(log) && hellos(log)).toBeGreaterThan(0));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
    const [line = ""] = readFileSync(log, "utf8").split("\n");
    expect(Object.keys(JSON.parse(line))).toEqual(["job", "level", "msg", "pid", "time"]);
    expect(box.stdout).toBe("");
  });

  it("that something in the background holds open does not keep a run from ending", async () => {
    const box = await start({
      ...bare,
      jobs: [
        { name: "wrapped", exec: sh("setsid sleep 600 & echo began") },
        { name: "raw", exec: sh("setsid sleep 600 & echo began raw"), ...raw },
        { name: "next", exec: "echo next", when: { once: "exitSuccess", source: "wrapped" } },
        { name: "last", exec: "echo last", when: { once: "exitSuccess", source: "raw" } },
      ],
    });
    expect(await box.exit).toEqual({ code: 0 });
    for (const line of [/ next\n/, / last\n/]) expect(box.output).toMatch(line);
  });
});

describeContainers("a job's environment", () => {
  it("has addresses, the pids of what runs just now, and values with equals signs whole", async () => {
    const job = (name: string, once: string, source: string): object => ({
      name,
      exec: sh("env | sed -n 's/^CONTAINERPILOT_/seen: /p' | sort; echo over"),
      when: { once, source },
    });
    const box = await start(
      `{
        directory: "catalog", signals: { SIGHUP: "reload" },
        jobs: [
          { name: "short", exec: "true" },
          { name: "test-pid", exec: "sleep 600", port: 8000, interfaces: "static:10.1.2.3", health: { exec: "true", interval: 1, ttl: 5 } },
          ${JSON.stringify(job("testenvvar", "healthy", "test-pid"))},
          { name: "equals", exec: ["echo", "value {{ .VALUE }}"] },
        ],
      }`,
      { env: { VALUE: "a=b=c" } },
    );
    await box.waitFor(/seen: TEST_PID_PID=\d+\n[\s\S]*testenvvar \d+ over\n/);
    expect(box.output).toMatch(/testenvvar \d+ seen: TEST_PID_IP=10\.1\.2\.3\n/);
    expect(box.output).toMatch(/testenvvar \d+ seen: PID=1\n/);
    expect(box.output).not.toMatch(/seen: TESTENVVAR_PID/);
    await soon(() => expect(times(box, / value a=b=c\n/g)).toBe(1));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });
});
