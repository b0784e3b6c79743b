import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { onFailure, PATH } from "../e2e/harness.ts";
import { Engine, tryEngine } from "./engine.ts";
import { configured, EngineContainer } from "./engine-containers.ts";
import { buildImages, config } from "./engine-images.ts";

const imagesMs = 3_600_000;
const tried = await tryEngine();
const refused = tried instanceof Engine ? undefined : tried.refused;

/** Set up by `beforeAll`. */
let engine: Engine;

/** `docker run` with the words given. */
const run = (...words: readonly string[]): Promise<EngineContainer> => EngineContainer.run(engine, ...words);

const stopped = 'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done';
const stubborn = 'trap "" TERM; echo ready; while :; do sleep 0.1; done';
const restricted = ["--user", "1000", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];

const title = refused === undefined ? "in a Docker engine" : `in a Docker engine (skipped: ${refused})`;
if (refused !== undefined) process.stderr.write(`engine tests skipped: ${refused}\n`);

describe.skipIf(refused !== undefined)(title, () => {
  beforeAll(async () => {
    if (!(tried instanceof Engine)) return;
    await buildImages(tried);
    await tried.stop();
    engine = await Engine.start("own");
  }, imagesMs);

  describe("exit codes in `docker ps --all`", () => {
    it.each([
      ["of an application that ended well", ["true"], 0],
      ["of an application that ended with 7", ["sh", "-c", "exit 7"], 7],
      ["126 where it is not executable", ["/etc/passwd"], 126],
      ["127 where it is not there", ["no-such-program"], 127],
      ["137 where it was killed", ["sh", "-c", "kill -KILL $$"], 137],
      ["143 where it ended itself by TERM", ["sh", "-c", "kill -TERM $$"], 143],
    ])("%s", async (_, words, code) => {
      const container = await run("user:debian", ...words);
      expect(await container.ended()).toBe(code);
    });

    it("78 where the configuration is wrong, with its place in `docker logs`", async () => {
      const container = await run(...configured({ stopTimeuot: 1 }), "user:debian");
      expect(await container.ended()).toBe(78);
      expect((await container.logs()).stderr).toMatch(/containerpilot\.json:1:\d+.*stopTimeuot/s);
    });
  });

  describe("docker stop", () => {
    it("lets the image's own application end as it wishes", async () => {
      const container = await run("user:debian");
      await container.waitForLog(/my-application --its --flags/);
      await container.stop(60);
      expect(await container.ended()).toBe(3);
      expect((await container.logs()).stdout).toBe(
        "preStart ran\nmy-application --its --flags\ngot TERM\npostStop ran\n",
      );
    });

    it("ends one that does not handle TERM, with 143", async () => {
      const container = await run("user:debian", "sh", "-c", "echo ready; exec sleep 1000");
      await container.waitForLog(/ready/);
      await container.stop(60);
      expect(await container.ended()).toBe(143);
    });

    it("kills one that ignores TERM after stopTimeout, long before the engine would", async () => {
      const container = await run("user:debian", "sh", "-c", stubborn);
      await container.waitForLog(/ready/);
      const before = Date.now();
      await container.stop(60);
      expect(await container.ended()).toBe(137);
      // The engine's KILL would come after 60 s and leave no time for what follows the application.
      expect(Date.now() - before).toBeLessThan(40_000);
      expect(await container.logs()).toMatchObject({
        stdout: expect.stringMatching(/postStop ran\n$/),
        stderr: expect.stringContaining("did not stop in time, sending SIGKILL"),
      });
    });
  });

  it("leaves the application's output in `docker logs` as it is, its own lines beside it", async () => {
    const words = 'printf "\\033[31mré\\t%s\\n" "$1"; printf "to stderr\\n" >&2; printf "no end"';
    const long = "x".repeat(40_000);
    const container = await run(
      ...configured({ logging: config.logging }),
      "user:debian",
      "sh",
      "-c",
      words,
      "sh",
      long,
    );
    expect(await container.ended()).toBe(0);
    const { stdout, stderr } = await container.logs();
    expect(stdout).toBe(`\u001b[31mré\t${long}\nno end`);
    expect(stderr.split("\n")).toContain("to stderr");
    expect(stderr).toMatch(/^\d{4}\/\d\d\/\d\d .*warning: sh stands between/m);
  });

  describe("--restart on-failure", () => {
    const restarts = async ({ name }: EngineContainer): Promise<number> =>
      Number(await engine.ok("inspect", "--format", "{{.RestartCount}}", name));

    it("starts again what ended with 1, until it ends well", async () => {
      const words = "echo start; [ -e /tmp/failed ] && exit 0; touch /tmp/failed; exit 1";
      const container = await run("--restart", "on-failure", "user:debian", "sh", "-c", words);
      await container.waitForLog(/start.*start/s);
      expect(await container.ended()).toBe(0);
      expect(await restarts(container)).toBe(1);
    });

    it("leaves alone what ended with 0", async () => {
      const container = await run("--restart", "on-failure", "user:debian", "true");
      expect(await container.ended()).toBe(0);
      await sleep(2000);
      expect(await restarts(container)).toBe(0);
      expect((await engine.state(container.name)).Status).toBe("exited");
    });

    it("gives up after as many times as it was told", async () => {
      const container = await run("--restart", "on-failure:2", "user:debian", "sh", "-c", "exit 9");
      await expect.poll(() => restarts(container), { timeout: 60_000 }).toBe(2);
      expect(await container.ended()).toBe(9);
    });
  });

  describe("restricted", () => {
    it.each([
      ["--init", ["--init"]],
      ["--read-only", ["--read-only"]],
      [restricted.join(" "), restricted],
      ["all of it", [...restricted, "--read-only", "--init", "--memory", "128m", "--pids-limit", "64"]],
    ])("by %s: starts, reaps, stops and ends with the code", async (_, words) => {
      const container = await run(...words, "user:debian", "sh", "-c", stopped);
      await container.waitForLog(/ready/);
      await container.exec("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do (sleep 0.2 &) ; done");
      await expect
        .poll(async () => (await container.processes()).filter((one) => one.words === "sleep 0.2"))
        .toEqual([]);
      await container.noZombies();
      await container.stop(60);
      expect(await container.ended()).toBe(3);
      expect((await container.logs()).stdout).toBe("preStart ran\nready\npostStop ran\n");
    });

    it("by --read-only, with a service in a catalog directory that is a tmpfs", async () => {
      const service = { name: "web", port: 80, interfaces: ["eth0"], health: "true", poll: 1, ttl: 5 };
      const settings = { directory: "/run/containerpilot/catalog", services: [service] };
      const container = await run(
        ...["--read-only", "--tmpfs", "/run/containerpilot/catalog"],
        ...[...configured(settings), "user:debian", "sh", "-c", stopped],
      );
      const list = () => container.exec("find", "/run/containerpilot/catalog", "-type", "f");
      await expect.poll(list, { timeout: 30_000 }).toMatch(/web/);
      await container.stop(60);
      expect(await container.ended()).toBe(3);
    });

    it("by --memory 96m: lives, reloads and stops", async () => {
      const container = await run("--memory", "96m", "--memory-swap", "96m", "user:debian", "sh", "-c", stopped);
      await container.waitForLog(/ready/);
      await engine.ok("kill", "--signal", "HUP", container.name);
      await container.waitForLog(/Reloading/);
      await container.stop(60);
      expect(await container.ended()).toBe(3);
      expect((await engine.state(container.name)).OOMKilled).toBe(false);
    });

    it("by --memory: outlives an application that runs out of memory, and says 137", async () => {
      const hog = '$x = "x" x 100_000_000; push @all, "$x" while 1';
      const container = await run("--memory", "96m", "--memory-swap", "96m", "user:debian", "perl", "-e", hog);
      expect(await container.ended()).toBe(137);
      const { stdout, stderr } = await container.logs();
      // Both come from PID 1, after the application's end.
      expect(stdout).toBe("preStart ran\npostStop ran\n");
      expect(stderr).toMatch(/signal: killed/);
      expect((await engine.state(container.name)).OOMKilled).toBe(true);
    });

    it("by --pids-limit: outlives an application that runs out of processes", async () => {
      const words = "i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i + 1)); done";
      const container = await run("--pids-limit", "32", "user:debian", "sh", "-c", words);
      // What dash says when fork fails.
      expect(await container.ended()).toBe(2);
      expect((await container.logs()).stdout).toBe("preStart ran\npostStop ran\n");
    });
  });

  it("gives the application the terminal of `docker run -it`", async () => {
    const words = [
      "run",
      "--rm",
      "--interactive",
      "--tty",
      "--env",
      "TERM=dumb",
      "user:debian",
      "bash",
      "--norc",
      "-i",
    ];
    // A terminal for the client too.
    const terminal = spawn("script", ["-qec", `/usr/bin/docker ${words.join(" ")}`, "/dev/null"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { PATH, TERM: "dumb", DOCKER_HOST: `unix://${engine.socket}` },
    });
    let output = "";
    terminal.stdout.on("data", (part: Buffer) => (output += part.toString()));
    onFailure(() => output);
    const closed = once(terminal, "close");
    const type = async (typed: string, until: RegExp) => {
      terminal.stdin.write(typed);
      await expect.poll(() => output, { timeout: 30_000 }).toMatch(until);
    };
    await type("", /bash-5.*[#$] $/);
    // Foreground of a terminal of its own: stat(5)'s tpgid is the shell's own group.
    await type(
      'tty; read -r _ _ _ _ group _ _ tpgid _ < /proc/$$/stat; [ $group = $tpgid ] && echo "in front"\r',
      /in front\r\n/,
    );
    expect(output).toMatch(/\r\n\/dev\/(pts\/\d+|console)\r\n/);
    expect(output).not.toMatch(/no job control|cannot set terminal/);
    await type("sleep 1000\r", /sleep 1000\r\n$/);
    await sleep(500);
    // Ctrl-C ends the sleep, and neither the shell nor us.
    await type("\u0003", /\^C.*[#$] $/s);
    await type("exit 5\r", /exit/);
    expect((await closed)[0]).toBe(5);
  });

  it("takes signals of `docker kill`", async () => {
    const container = await run("user:debian");
    await container.waitForLog(/my-application/);
    for (const [signal, answer] of [
      ["USR1", /Entering maintenance/],
      ["USR1", /Leaving maintenance/],
      ["HUP", /Reloading configuration/],
      ["USR2", /got USR2/],
    ] as const) {
      await engine.ok("kill", "--signal", signal, container.name);
      await container.waitForLog(answer);
    }
    await engine.ok("kill", "--signal", "TERM", container.name);
    expect(await container.ended()).toBe(3);
  });

  it("leaves no zombie of what `docker exec` left behind", async () => {
    const container = await run("user:debian");
    await container.waitForLog(/my-application/);
    const orphans = "i=0; while [ $i -lt 100 ]; do (sleep 0.3 &); i=$((i + 1)); done";
    await Promise.all([1, 2, 3].map(() => container.exec("sh", "-c", orphans)));
    await expect
      .poll(async () => (await container.processes()).filter((one) => /sleep 0\.3/.test(one.words)), {
        timeout: 20_000,
      })
      .toEqual([]);
    await container.noZombies();
    const [first, ...others] = await container.processes();
    expect(first?.words).toMatch(/^\/opt\/containerpilot\/node .*\/opt\/containerpilot\/containerpilot\.cjs /);
    expect(others.map(({ words }) => words.split(" ").slice(0, 2).join(" "))).toContain(
      "/bin/sh /usr/local/bin/my-application",
    );
  });

  it("has as few threads as the documentation says", async () => {
    const container = await run("user:debian");
    await container.waitForLog(/my-application/);
    const status = await container.exec("cat", "/proc/1/status");
    expect(Number(/^Threads:\s+(\d+)$/m.exec(status)?.[1])).toBeLessThanOrEqual(15);
  });

  it("runs on the Node that an image brings", async () => {
    const container = await run("user:node");
    await container.waitForLog(/my-application --its --flags/);
    expect((await container.processes())[0]?.words).toMatch(/^\/usr\/local\/bin\/node /);
    await container.stop(60);
    expect(await container.ended()).toBe(3);
    const bare = await run("--entrypoint", "ls", "user:node", "/opt/containerpilot");
    expect(await bare.ended()).toBe(0);
    expect((await bare.logs()).stdout.trim().split("\n")).toEqual([
      "LICENSES.txt",
      "cached.cjs",
      "chunks",
      "code.cache",
      "containerpilot",
      "containerpilot.cjs",
      "cpctl.cjs",
      "init.cjs",
      "pilot.node",
    ]);
  });

  it.each([
    ["nginx", /nginx: worker process/],
    ["postgres", /postgres: checkpointer/],
    ["node", /^node \/app\/node\.mjs/m],
  ])(
    "is added to an image of %s as the example shows, which registers and stops by the image's own signal",
    async (image, process) => {
      const container = await run(`example:${image}`);
      await container.waitForLog(/Service registered|is passing|healthy/i);
      expect((await container.processes()).map(({ words }) => words).join("\n")).toMatch(process);
      // V8's code was kept for this Node.
      const { stdout, stderr } = await container.logs();
      expect(stdout + stderr).not.toContain("code.cache");
      await container.stop(60);
      expect(await container.ended()).toBe(0);
    },
  );

  it("lets PostgreSQL end as its image's signal asks, without waiting for its clients", async () => {
    const container = await run("example:postgres");
    await expect.poll(() => container.exec("sh", "-c", "pg_isready || true"), { timeout: 60_000 }).toMatch(/accepting/);
    await engine.ok("exec", "--detach", container.name, "psql", "-U", "postgres", "-c", "select pg_sleep(1000)");
    await expect
      .poll(async () => (await container.processes()).map(({ words }) => words).join(), { timeout: 20_000 })
      .toMatch(/postgres: postgres .*SELECT/);
    await container.stop(120);
    expect(await container.ended()).toBe(0);
    const { stdout, stderr } = await container.logs();
    expect(stdout + stderr).toMatch(/received fast shutdown request/);
  });

  it("takes the place of ContainerPilot 2 in a Dockerfile written for it", async () => {
    const container = await run("user:v2");
    await container.waitForLog(/my-application --its --flags/);
    await container.stop(60);
    expect(await container.ended()).toBe(3);
    // Shell form, as many wrote it: /bin/sh is PID 1 until it hands over.
    const shell = await run("user:v2", "sh", "-c", "exec /bin/containerpilot sh -c 'exit 7'");
    expect(await shell.ended()).toBe(7);
    const version = await run("user:v2", "/bin/containerpilot", "-version");
    expect(await version.ended()).toBe(0);
    const { stdout, stderr } = await version.logs();
    expect(stdout + stderr).toMatch(/^Version: \d/m);
  });

  it("is as large as a stripped Node and little more", async () => {
    const bytes = async (image: string) => Number(await engine.ok("image", "inspect", "--format", "{{.Size}}", image));
    const [base, ours] = [await bytes("debian:bookworm-slim"), await bytes("containerpilot:debian")];
    expect(ours - base).toBeLessThan(115e6);
    process.stderr.write(`debian:bookworm-slim ${base} bytes, containerpilot:debian ${ours} bytes\n`);
  });
});
