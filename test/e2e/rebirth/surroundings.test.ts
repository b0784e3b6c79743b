import { copyFileSync, cpSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Container, describeContainers, root, tempFolder } from "../harness.ts";
import { app, bare, sh, soon, times } from "../v2/stage.ts";
import { deaths, die, mortal } from "./stage.ts";

async function diesAndGoesOn(box: Container): Promise<void> {
  await box.waitFor(/ready/);
  await die(box, "abort");
  await die(box, "null");
  box.signal("SIGTERM");
  expect(await box.exit).toEqual({ code: 3 });
  expect(times(box, /got TERM/g)).toBe(1);
}

/** What PID 1 holds, by kind: descriptors by what they lead to, and threads by name. */
function holdings({ pid }: Container): Record<string, number> {
  const counts: Record<string, number> = {};
  const count = (kind: string) => (counts[kind] = (counts[kind] ?? 0) + 1);
  for (const tid of readdirSync(`/proc/${pid}/task`)) count(readFileSync(`/proc/${pid}/task/${tid}/comm`, "utf8"));
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    count(readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/\d+/g, ""));
  }
  return counts;
}

/** The same for long enough: the runtime is up, and has done what it does at its beginning. */
async function settled(box: Container): Promise<Record<string, number>> {
  let before: Record<string, number> = {};
  let equal = 0;
  await soon(() => {
    const now = holdings(box);
    equal = JSON.stringify(now) === JSON.stringify(before) ? equal + 1 : 0;
    before = now;
    expect(now["cp-bell\n"]).toBe(1);
    expect(equal).toBeGreaterThan(10);
  });
  return before;
}

describeContainers("the runtime dies", () => {
  it("on a read-only root without rights, as an ordinary user", async () => {
    const box = await mortal({ config: bare, words: app, user: "1000:1000", readOnly: true });
    await box.waitFor(/ready/);
    box.signal("SIGSEGV");
    await soon(() => expect(deaths(box)).toEqual(["segv"]));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("without /proc", async () => {
    await diesAndGoesOn(await mortal({ config: bare, words: app, noProc: true }));
  });

  it("below another PID 1", async () => {
    const shell = sh('"$@" & trap "kill -TERM $!" TERM; wait $!; wait $!; exit $?');
    const box = await mortal({
      entrypoint: [...shell, "sh", join(root, "dist/containerpilot")],
      config: bare,
      words: app,
    });
    await diesAndGoesOn(box);
  });

  it("when the launcher's file is gone, or has become something else", async () => {
    const folder = tempFolder();
    cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
    const launcher = join(folder, "dist/containerpilot");
    const box = await mortal({ entrypoint: [launcher], binds: [folder], config: bare, words: app });
    await box.waitFor(/ready/);
    rmSync(launcher);
    await die(box, "abort");
    copyFileSync("/bin/false", launcher);
    await die(box, "abort");
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("and nothing is held for ever: descriptors and threads are as many as before", async () => {
    const config = { ...bare, coprocesses: [{ name: "side", command: sh("echo side; exec sleep 1000") }] };
    const box = await mortal({ config, words: app });
    await box.waitFor(/side/);
    await die(box, "abort");
    const after = await settled(box);
    await die(box, "null");
    expect(await settled(box)).toEqual(after);
    await die(box, "throw");
    expect(await settled(box)).toEqual(after);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("and stderr and the termination log say so", async () => {
    // As Kubernetes does it: a file mounted there, over devices of the container's own.
    const devices =
      'mount --rbind /dev "$PWD/dev" && mount -t tmpfs none /dev && cd dev && cp -a null zero random urandom /dev && touch /dev/termination-log';
    const box = await mortal({
      entrypoint: [...sh(`mkdir dev && ${devices} && cd .. && exec "$@"`), "sh", join(root, "dist/containerpilot")],
      config: bare,
      words: app,
    });
    await box.waitFor(/ready/);
    await die(box, "rejection");
    const { stdout } = await box.inside("cat", "/dev/termination-log");
    expect(stdout).toMatch(/^containerpilot: the runtime has died \(rejection: Error: on purpose\).* 1 of 3 .*\n$/);
    expect(box.stderr).toContain(stdout);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it.each(["default", "json", "text"])("and the log goes on as it was, in the format %s", async (format) => {
    const config = {
      consul: "127.0.0.1:1",
      logging: { level: "INFO", format, output: "stdout" },
      jobs: [
        { name: "app", exec: sh("trap 'echo bye; exit 0' TERM; while :; do echo app; sleep 0.1; done") },
        { name: "raw", exec: sh("while :; do echo raw; sleep 0.1; done"), logging: { raw: true } },
        { name: "tick", exec: "echo tick", when: { interval: "200ms" } },
      ],
    };
    const box = await mortal({ config: JSON.stringify(config) });
    const shapes = (output: string): string[] => {
      const lines = output.split("\n").filter((line) => /\b(app|raw|tick)"?\s*(}|$|job=|pid=|")/.test(line));
      return [...new Set(lines.map((line) => line.replace(/\d+/g, "N")))].sort();
    };
    await soon(() => expect(box.stdout).toMatch(/app.*raw.*tick/s));
    await soon(() => expect(shapes(box.stdout).length).toBeGreaterThanOrEqual(3));
    const before = shapes(box.stdout);
    await die(box, "abort");
    const at = box.stdout.length;
    await soon(() => expect(shapes(box.stdout.slice(at + 1))).toEqual(expect.arrayContaining(before)));
    box.signal("SIGTERM");
    await box.exit;
    expect(box.stdout.slice(at)).toContain("bye");
  });
});
