import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { tempFolder } from "../e2e/harness.ts";
import { Engine, tryEngine } from "./engine.ts";
import { configured, EngineContainer } from "./engine-containers.ts";
import { buildImages, config } from "./engine-images.ts";

const imagesMs = 3_600_000;
const tried = await tryEngine();
const refused = tried instanceof Engine ? undefined : tried.refused;

/** Set up by `beforeAll`. */
let engine: Engine;

/** A shell with these words as the application. */
function run(options: readonly string[], words: string): Promise<EngineContainer> {
  return EngineContainer.run(engine, ...options, "user:debian", "sh", "-c", words);
}

const stopped = 'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done';
const stubborn = 'trap "" TERM; echo ready; while :; do sleep 0.1; done';
const restricted = [
  ...["--read-only", "--user", "12345", "--cap-drop", "ALL"],
  ...["--security-opt", "no-new-privileges"],
];

const title = refused === undefined ? "as a Docker engine's init" : `as a Docker engine's init (skipped: ${refused})`;
if (refused !== undefined) process.stderr.write(`engine tests skipped: ${refused}\n`);

describe.skipIf(refused !== undefined)(title, () => {
  beforeAll(async () => {
    if (!(tried instanceof Engine)) return;
    await buildImages(tried);
    await tried.stop();
    engine = await Engine.start("own");
  }, imagesMs);

  describe("beside the engine's own, by --init", () => {
    it("takes the orphans that its application leaves, and reaps them", async () => {
      // Each waits for the file, so that all are there to be looked at.
      const orphan = "(while [ ! -e /tmp/end ]; do sleep 0.1; done) &";
      const container = await run(["--init"], `for i in 1 2 3 4 5; do (${orphan}) ; done; ${stopped}`);
      await container.waitForLog(/ready/);
      const [first] = await container.processes();
      const init = await container.init();
      expect(first?.words).toMatch(/^\/sbin\/docker-init /);
      expect(init.ppid).toBe(first?.pid);
      const orphans = async () =>
        (await container.processes()).filter(({ ppid, words }) => ppid === init.pid && words.includes("/tmp/end"));
      // The application itself has the words too.
      expect(await orphans()).toHaveLength(6);
      await container.exec("touch", "/tmp/end");
      await expect.poll(orphans, { timeout: 20_000 }).toHaveLength(1);
      await container.noZombies();
      await container.stop(60);
      expect(await container.ended()).toBe(3);
    });

    it("ends what daemonised itself, by name, before the container does", async () => {
      const daemon = `setsid sh -c 'trap "echo daemon got TERM; exit" TERM; echo up; while :; do sleep 0.1; done' &`;
      const container = await run(["--init"], `${daemon} ${stopped}`);
      await container.waitForLog(/up.*ready|ready.*up/s);
      await container.stop(60);
      expect(await container.ended()).toBe(3);
      const { stdout, stderr } = await container.logs();
      expect(stdout).toMatch(/daemon got TERM/);
      expect(stderr).toMatch(/Ending \d processes that nobody else ends: .*sh \(\d+\)/);
    });

    it.each([
      ["0 of one that ended well", "exit 0", 0],
      ["9 of one that ended with it", "exit 9", 9],
      ["137 of one that was killed", "kill -KILL $$", 137],
      ["143 of one that ended itself by TERM", "kill -TERM $$", 143],
    ])("hands its code on: %s", async (_, words, code) => {
      expect(await (await run(["--init"], words)).ended()).toBe(code);
    });
  });

  it(`by ${restricted.join(" ")}: has the application as it was asked, reaps, stops and ends with its code`, async () => {
    const container = await run(restricted, stopped);
    await container.waitForLog(/ready/);
    const init = readFileSync(`/proc/${(await container.init()).pid}/status`, "utf8");
    for (const line of [/^Uid:\t12345\t12345\t12345\t12345$/m, /^CapEff:\t0+$/m, /^CapBnd:\t0+$/m, /^NoNewPrivs:\t1$/m])
      expect(init).toMatch(line);
    await container.exec("sh", "-c", "i=0; while [ $i -lt 50 ]; do (sleep 0.2 &); i=$((i + 1)); done");
    await expect
      .poll(async () => (await container.processes()).filter(({ words }) => words === "sleep 0.2"), { timeout: 20_000 })
      .toEqual([]);
    await container.noZombies();
    await container.stop(60);
    expect(await container.ended()).toBe(3);
    expect((await container.logs()).stdout).toBe("preStart ran\nready\npostStop ran\n");
  });

  it("by --memory 64m: outlives an application that runs out of memory: 137, with the reason everywhere", async () => {
    const termination = join(tempFolder(), "termination-log");
    writeFileSync(termination, "");
    const settings = { ...config, postStop: ["sh", "-c", 'echo "after $CONTAINERPILOT_APP_EXIT_REASON"'] };
    const hog = '$x = "x" x 100_000_000; push @all, "$x" while 1';
    const container = await EngineContainer.run(
      engine,
      ...["--memory", "64m", "--memory-swap", "64m", "--volume", `${termination}:/dev/termination-log`],
      ...[...configured(settings), "user:debian", "perl", "-e", hog],
    );
    expect(await container.ended()).toBe(137);
    const { stdout, stderr } = await container.logs();
    const reason = "oom: APP was killed by the kernel: the container is out of memory";
    expect(stderr).toContain(`Exiting with 137: ${reason}`);
    expect(stdout).toBe("preStart ran\nafter oom\n");
    expect(readFileSync(termination, "utf8")).toBe(`${reason} (exit code 137)\n`);
    expect((await engine.state(container.name)).OOMKilled).toBe(true);
  });

  it("by --pids-limit: warns at 80 %, with who holds them, and still stops", async () => {
    // 64 allow a warning from 52 on; our own threads, and what the shell starts, are fewer than 18.
    const words = `i=0; while [ $i -lt 45 ]; do sleep 1000 & i=$((i + 1)); done; ${stopped}`;
    const container = await run(["--pids-limit", "64"], words);
    await container.waitForLog(/\d+ of the 64 processes and threads .*\(pids\.max\) are in use: .*\bsleep \d+/);
    await container.stop(60);
    expect(await container.ended()).toBe(3);
    expect((await container.logs()).stdout).toMatch(/postStop ran\n$/);
  });

  describe("docker stop -t, with an application that ignores TERM", () => {
    it("kills it after stopTimeout and has time left for what follows", async () => {
      const container = await run(configured({ ...config, stopTimeout: 2 }), stubborn);
      await container.waitForLog(/ready/);
      const before = Date.now();
      await container.stop(60);
      const took = Date.now() - before;
      expect(await container.ended()).toBe(137);
      expect(took).toBeGreaterThan(2000);
      // The engine's KILL would come after 60 s.
      expect(took).toBeLessThan(40_000);
      const { stdout, stderr } = await container.logs();
      expect(stdout).toMatch(/postStop ran\n$/);
      expect(stderr).toMatch(
        /Exiting with 137: stop: APP was killed by us: it did not end after our SIGTERM.*by SIGTERM from outside/,
      );
    });

    it("leaves nothing behind where the engine's time is the shorter one", async () => {
      const container = await run(configured({ ...config, stopTimeout: 60 }), stubborn);
      await container.waitForLog(/ready/);
      const pids = (await container.processes()).map(({ pid }) => pid);
      await container.stop(1);
      expect(await container.ended()).toBe(137);
      expect((await container.logs()).stdout).toBe("preStart ran\nready\n");
      // kill(2) with 0 only asks.
      for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    });
  });

  describe("SIGSEGV to the init from outside", () => {
    it.each([
      ["as PID 1", []],
      ["beside the engine's own", ["--init"]],
      [`by ${restricted.join(" ")}`, [...restricted, "--tmpfs", "/tmp:mode=1777"]],
    ])("%s: the container survives, and ends with the application's code", async (_, options) => {
      const words = "echo ready; while [ ! -e /tmp/end ]; do sleep 0.1; done; exit 5";
      const container = await run(options, words);
      await container.waitForLog(/ready/);
      const init = await container.init();
      const application = (await container.processes()).find(
        ({ ppid, words }) => ppid === init.pid && /^sh /.test(words),
      );
      process.kill(init.pid, "SIGSEGV");
      await container.waitForLog(/the runtime has died \(segv.*it is replaced and the application goes on: 1 of 3/);
      expect(await container.init()).toMatchObject({ pid: init.pid });
      expect((await container.processes()).map(({ pid }) => pid)).toContain(application?.pid);
      await container.exec("touch", "/tmp/end");
      expect(await container.ended()).toBe(5);
      // postStop is the new runtime's; preStart has not run again.
      expect((await container.logs()).stdout).toBe("preStart ran\nready\npostStop ran\n");
    });

    it("and a stop afterwards ends the application as it wishes", async () => {
      const container = await run([], stopped);
      await container.waitForLog(/ready/);
      process.kill((await container.init()).pid, "SIGSEGV");
      await container.waitForLog(/the runtime has died/);
      await container.stop(60);
      expect(await container.ended()).toBe(3);
    });
  });
});
