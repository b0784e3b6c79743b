import { join } from "node:path";
import { expect, it } from "vitest";
import { type Container, describeContainers, fixture, root } from "../harness.ts";
import { app, bare, catalogOf, sh, soon, times, web } from "../v2/stage.ts";
import { compiled, release, start, startHeld } from "./stage.ts";

const debug = { ...bare, logging: { level: "DEBUG" } };

/** Every kind of selector that this machine has an address for. */
const SELECTORS = [
  "inet",
  "lo",
  "lo[0]",
  "127.0.0.0/8",
  "static:10.1.2.3",
  "static:2001:db8:0:0:1::1",
  ["none", "lo:inet", "inet"],
];
const services = SELECTORS.map((interfaces, index) => ({
  ...web,
  name: `web${index}`,
  port: 8000 + index,
  interfaces,
}));

const sorted = (text: string): string[] => text.split("\n").sort();

describeContainers("an application that the launcher starts", () => {
  it("begins as one that the runtime starts: identity, signals, descriptors, variables, working directory", async () => {
    const image = await compiled({ ...bare, services });
    const words = sh(`pwd; env; exec ${fixture("prints-state")}`);
    const env = { OWN: "a=b", EMPTY: "" };
    const instant = await start(image, { words, env, user: "1000:1000" });
    await instant.exit;
    const usual = await start(image, { words, env: { ...env, CONTAINERPILOT_BOOT: "off" }, user: "1000:1000" });
    await usual.exit;
    const seen = (box: Container): string[] => {
      const own = (line: string) => line.replaceAll(box.folder, "FOLDER").replace(/^(pid|pgid|sid|_=.*) \d+$/, "$1 N");
      return sorted(box.stdout)
        .filter((line) => !/^(CONTAINERPILOT_BOOT=|\d{4}\/)/.test(line))
        .map(own);
    };
    expect(seen(instant)).toEqual(seen(usual));
    expect(seen(usual)).toContain("CONTAINERPILOT_WEB4_IP=10.1.2.3");
    expect(seen(usual)).toContain("ppid 1");
  });

  it("is there before the runtime, is adopted, announced, and stopped as always", async () => {
    const image = await compiled({ ...debug, services: [web], preStop: "echo preStop", postStop: "echo postStop" });
    const box = await startHeld(image, { words: app });
    await box.waitFor(/held/);
    await box.waitFor(/ready/);
    release(box);
    await soon(() => expect(Object.values(catalogOf(box))).toMatchObject([{ status: "passing" }]));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(catalogOf(box)).toEqual({});
    expect(times(box, /ready/g)).toBe(1);
    expect(times(box, /got TERM/g)).toBe(1);
    expect(times(box, /^preStop$/gm)).toBe(1);
    expect(times(box, /^postStop$/gm)).toBe(1);
    expect(box.output).toContain("The launcher has started the application");
  });

  it("is told signals while the runtime boots, at once; a stop reaches it when the runtime is there", async () => {
    const box = await startHeld(await compiled({ ...bare, stopTimeout: 1 }), { words: [fixture("logs-signals")] });
    await box.waitFor(/held/);
    await box.waitFor(/ready/);
    for (let i = 0; i < 20; i += 1) box.signal(40);
    box.signal("SIGUSR2");
    await soon(() => expect(times(box, /got 40 /g)).toBe(20));
    await box.waitFor(/got 12 /);
    box.signal("SIGTERM");
    release(box);
    await box.waitFor(/got 15 /);
    expect(await box.exit).toEqual({ code: 137 });
    expect(times(box, /got 15 /g)).toBe(1);
  });

  it.each([
    ["a code", "exit 9", 9],
    ["a signal", "kill -SEGV $$", 139],
  ])("ends while the runtime boots, with %s: that is the container's code", async (_, script, code) => {
    const box = await startHeld(await compiled({ ...bare, postStop: "echo postStop" }), { words: sh(script) });
    await box.waitFor(/held/);
    await soon(async () => expect((await box.processes()).filter(({ ppid }) => ppid === 1)).toEqual([]));
    release(box);
    expect(await box.exit).toEqual({ code });
    expect(times(box, /^postStop$/gm)).toBe(1);
  });

  it("leaves orphans to us, and finds the control socket from the beginning", async () => {
    const asks = `${join(root, "dist/containerpilot")} -ping && echo pong`;
    const box = await startHeld(await compiled(bare), { words: sh(`(sleep 0.2; exit 0) & ${asks}; exec sleep 1000`) });
    await box.waitFor(/held/);
    release(box);
    await box.waitFor(/pong/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 143 });
  });
});

const job = (exec: readonly string[], more: object = {}) => ({ name: "app", main: true, exec, ...more });
const v3 = { consul: "127.0.0.1:1" };

describeContainers("a main job that the launcher starts", () => {
  it("has its lines wrapped and complete, also those that did not fit into the pipe; other jobs start with the runtime", async () => {
    const config = {
      ...v3,
      logging: { format: "json" },
      jobs: [job(sh("seq 1000001 1020000; echo last >&2; exit 7")), { name: "side", exec: "echo side" }],
    };
    const box = await startHeld(await compiled(config), {});
    await box.waitFor(/held/);
    release(box);
    expect(await box.exit).toEqual({ code: 7 });
    const lines = box.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const own = lines.filter(({ job }) => job === "app").map(({ msg, pid }) => `${msg} ${pid}`);
    const pid = own[0]?.split(" ")[1];
    expect(own.filter((line) => !line.startsWith("last"))).toEqual(
      Array.from({ length: 20_000 }, (_, n) => `${n + 1_000_001} ${pid}`),
    );
    expect(own).toContain(`last ${pid}`);
  });

  it("is restarted by the runtime as it says, and another job sees its pid", async () => {
    const again = sh("echo run; [ -e second ] && exec sleep 1000; touch second; exit 1");
    const config = {
      ...v3,
      jobs: [
        job(again, { restarts: 1 }),
        { name: "tick", exec: sh("echo pid $CONTAINERPILOT_APP_PID"), when: { interval: "100ms" } },
      ],
    };
    const box = await start(await compiled(config), {});
    await soon(() => expect(times(box, /\brun$/gm)).toBe(2));
    await box.waitFor(/pid \d+/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 143 });
  });
});

describeContainers("where little is allowed", () => {
  it("an ordinary user on a read-only root without /proc", async () => {
    const box = await startHeld(await compiled(bare), { words: app, user: "1000:1000", readOnly: true, noProc: true });
    await box.waitFor(/held/);
    await box.waitFor(/ready/);
    release(box);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("on a terminal, which the application has, and which is left as it was", async () => {
    const image = await compiled(bare);
    const words = sh("stty -echo; stty -a | tr ';' '\\n' | grep -c -- -echo; read line; echo \"got $line\"; exit 6");
    const box = await start(image, { words, tty: true });
    await box.waitFor(/^\d/m);
    box.write("typed\n");
    expect(await box.exit).toEqual({ code: 6 });
    expect(box.stdout).toContain("got typed");
  });
});
