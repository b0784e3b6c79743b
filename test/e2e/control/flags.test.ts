import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Container, describeContainers, entrypoint, root, run } from "../harness.ts";
import { bare, soon, times } from "../v2/stage.ts";
import { controlled, main, v3, ways } from "./stage.ts";

interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command line inside with the variable that children of the container have. */
function asChild(box: Container & { socket: string }, ...argv: string[]): Promise<Said> {
  return box.inside("env", `CONTAINERPILOT_SOCKET=${box.socket}`, ...argv);
}

const QUIET: Said = { code: 0, stdout: "", stderr: "" };

describeContainers("control flags", () => {
  describe.each(ways)("through %s", (_, command) => {
    it("ask the running container, and say what the original says", async () => {
      const box = await controlled(v3());
      await box.waitFor(/main is up/);
      const flag = (...flags: string[]): Promise<Said> => asChild(box, ...command, ...flags);
      expect(await flag("-ping")).toEqual({ ...QUIET, stdout: "ok\n" });
      expect(await flag("--ping=true", "words", "-reload")).toEqual({ ...QUIET, stdout: "ok\n" });
      expect(await flag("-maintenance", "enable")).toEqual(QUIET);
      expect(await flag("-maintenance=disable")).toEqual(QUIET);
      expect(times(box, /(Entering|Leaving) maintenance/g)).toBe(2);
      expect(await flag("-putmetric", "one=1", "--putmetric=two=2")).toEqual(QUIET);
      await box.waitFor(/no metric takes values for "two"/);
      const pairs = ["A=B=C", 'ODD="\\ü\t', "A=x=y", "EMPTY="].flatMap((pair) => ["-putenv", pair]);
      expect(await flag(...pairs)).toEqual(QUIET);
      expect(await flag("-ping", "-putenv", "NO=1", "-maintenance", "", "-reload")).toEqual(QUIET);
      await soon(() => expect(times(box, /main is up/g)).toBe(2), 25_000);
      const second = box.output.slice(box.output.lastIndexOf("reloading app"));
      for (const line of ["A=x=y", 'ODD="\\ü\t', "EMPTY="]) expect(second).toContain(` ${line}\n`);
      expect(second).not.toContain(" NO=");
    });

    it("end with 1 and words where they are refused, or nobody answers", async () => {
      const box = await controlled(v3());
      const flag = (...flags: string[]): Promise<Said> => asChild(box, ...command, ...flags);
      const huge = await flag(
        ...Array.from({ length: 4 }, (_, n) => ["-putenv", `V${n}=${"x".repeat(100_000)}`]).flat(),
      );
      expect(huge).toMatchObject({ code: 1, stdout: "" });
      expect(huge.stderr).toBe("containerpilot: -putenv was refused: 413 Request Entity Too Large\n");
      const nowhere = await box.inside(
        ...command,
        "-config",
        '{"consul":"c:1","jobs":[],"control":{"socket":"/nowhere"}}',
        "-ping",
      );
      expect(nowhere).toEqual({ code: 1, stdout: "", stderr: "containerpilot: -ping: nobody answers at /nowhere\n" });
      const unset = await box.inside(...command, "-reload");
      expect(unset).toMatchObject({ code: 1, stdout: "" });
      expect(unset.stderr).toMatch(
        /^containerpilot: -reload: nobody answers, and the configuration does not say where:\n/,
      );
    });

    it("find the socket that only the configuration names", async () => {
      const box = await controlled(v3());
      const named = ["-config", join(box.folder, "config.json")];
      expect(await box.inside("env", "-C", box.folder, ...command, ...named, "-ping")).toEqual({
        ...QUIET,
        stdout: "ok\n",
      });
    });

    it("are 64 when they are wrong, whatever else was asked", () => {
      const [program = "", ...words] = command;
      for (const [flags, line] of [
        [["-maintenance", "enabel"], 'containerpilot: -maintenance "enabel": it takes enable or disable\n'],
        [["-ping", "-putenv", "NAME"], 'containerpilot: -putenv "NAME": it takes NAME=VALUE\n'],
      ] as const) {
        const { status, stdout, stderr } = spawnSync(program, [...words, ...flags], { encoding: "utf8" });
        expect({ status, stdout, stderr }).toEqual({ status: 64, stdout: "", stderr: line });
      }
    });
  });
});

describeContainers("cpctl", () => {
  const cpctl = [process.execPath, join(root, "dist/cpctl.cjs")];

  it("asks the running container as the flags do", async () => {
    const box = await controlled(v3());
    await box.waitFor(/main is up/);
    const at = (...words: string[]): Promise<Said> => asChild(box, ...cpctl, ...words);
    expect(await at("ping")).toEqual({ ...QUIET, stdout: "ok\n" });
    expect(await box.inside(...cpctl, "ping", "--socket", box.socket)).toEqual({ ...QUIET, stdout: "ok\n" });
    expect(await at("maintenance", "on")).toEqual(QUIET);
    expect(await at("maintenance", "off")).toEqual(QUIET);
    expect(times(box, /(Entering|Leaving) maintenance/g)).toBe(2);
    expect(await at("metric", "one=1", "two=2")).toEqual(QUIET);
    await box.waitFor(/no metric takes values for "two"/);
    expect(await at("env", "TOLD=a=b")).toEqual(QUIET);
    expect(await at("reload")).toEqual(QUIET);
    await box.waitFor(/ TOLD=a=b$/m);
  });

  it("shows what runs, on a screen or as JSON, in either dialect", async () => {
    const health = { exec: "true", interval: 1, ttl: 5 };
    const jobs = [
      main,
      { name: "web", exec: "sleep 1000", port: 80, interfaces: "static:10.1.2.3", health },
      { name: "failed", exec: "false" },
      { name: "never", exec: "true", when: { once: "healthy", source: "main" } },
    ];
    const box = await controlled(
      v3({ jobs, consul: undefined, directory: "catalog", watches: [{ name: "db", interval: 1 }] }),
    );
    await soon(async () => {
      const { stdout } = await asChild(box, ...cpctl, "status", "--json");
      const { state, maintenance, services, watches, jobs: shown } = JSON.parse(stdout) as Record<string, unknown>;
      expect({ state, maintenance, services, watches }).toEqual({
        state: "running",
        maintenance: false,
        services: [
          { name: "web", id: expect.stringMatching(/^web-/), address: "10.1.2.3", port: 80, status: "passing" },
        ],
        watches: [{ name: "db", instances: 0 }],
      });
      expect(shown).toMatchObject([
        { name: "main", state: "running", health: "unknown", pid: expect.any(Number) },
        { name: "web", state: "running", health: "healthy", pid: expect.any(Number) },
        { name: "failed", state: "done", health: "unknown", lastEnd: "code 1" },
        { name: "never", state: "waiting", health: "unknown" },
      ]);
    }, 25_000);
    const { stdout } = await asChild(box, ...cpctl, "status");
    expect(stdout).toMatch(/^running\n\nJOB .*\nmain +running +unknown +\d+ /);
    const old = await run({ config: bare, words: ["sleep", "1000"] });
    await soon(async () => {
      const { stdout: screen } = await old.inside(...cpctl, "status");
      expect(screen).toMatch(/^running\n\nJOB .*\napp +running +unknown +\d+ +\w+ +-\n$/);
    }, 25_000);
  });

  it("says what is wrong", async () => {
    const tell = (...words: string[]): { status: number | null; stderr: string } => {
      const [program = "", ...rest] = cpctl;
      const { status, stderr } = spawnSync(program, [...rest, ...words], { encoding: "utf8" });
      return { status, stderr };
    };
    expect(tell("ping", "--socket", "/nowhere")).toEqual({
      status: 1,
      stderr: "cpctl: ping: nobody answers at /nowhere\n",
    });
    expect(tell("env", "NAME")).toMatchObject({ status: 64 });
    expect(tell("maintenance", "maybe")).toMatchObject({ status: 64 });
  });
});

describeContainers("the control socket's place", () => {
  const app = ["sh", "-c", "echo at $CONTAINERPILOT_SOCKET; exec sleep 1000"];

  it("is the original's default, in the v2 dialect too, and the launcher needs nothing to find it", async () => {
    const box = await run({ config: bare, words: app });
    await box.waitFor(/^at \/var\/run\/containerpilot\.socket$/m);
    // Whoever asks before the code that answers is loaded, waits.
    expect(await box.inside(entrypoint, "-ping")).toEqual({ ...QUIET, stdout: "ok\n" });
    expect(box.output).not.toContain("control:");
  });

  it("is the first that can be written to, and is said", async () => {
    const box = await run({ config: bare, words: app, readOnly: true, user: "12345:12345" });
    await box.waitFor(/^at \/dev\/shm\/containerpilot\.socket$/m);
    await box.waitFor(
      /control: \/var\/run\/containerpilot\.socket cannot be used \(\w+\); serving at \/dev\/shm\/containerpilot\.socket instead/,
    );
    // As root, who asks PID 1 whoever that is.
    for (const [, command] of ways) {
      expect(await box.inside(...command, "-ping")).toEqual({ ...QUIET, stdout: "ok\n" });
    }
  });

  it("may be nowhere: the application runs all the same, and it is said", async () => {
    const tmpfs = ["/dev/shm,mode=0755"];
    const box = await run({ config: bare, words: app, readOnly: true, user: "12345:12345", tmpfs });
    await box.waitFor(/^at$/m);
    await box.waitFor(/control: \/var\/run\/containerpilot\.socket cannot be used \(\w+\); going on without/);
  });

  it("without a launcher", async () => {
    const box = await run({
      config: bare,
      words: app,
      entrypoint: [process.execPath, join(root, "dist/containerpilot.cjs")],
    });
    await box.waitFor(/^at \/var\/run\/containerpilot\.socket$/m);
    expect(await box.inside(entrypoint, "-ping")).toEqual({ ...QUIET, stdout: "ok\n" });
  });
});
