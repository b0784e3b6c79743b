import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Container, describeContainers, freePort } from "../harness.ts";
import { app, bare, catalogOf, sh, soon, times, web } from "../v2/stage.ts";
import { deaths, die, letDie, mortal } from "./stage.ts";

const has = (box: Container, file: string): boolean => existsSync(join(box.folder, file));

describeContainers("a runtime that takes the place of a dead one", () => {
  it("keeps services registered, checks and tasks going, and counts its deaths", async () => {
    const port = await freePort();
    const config = {
      ...bare,
      services: [{ ...web, health: "true" }],
      tasks: [{ name: "tick", command: "echo tick", frequency: "300ms" }],
      telemetry: { port, interfaces: ["static:127.0.0.1"] },
    };
    const box = await mortal({ config, words: app });
    const mine = () => Object.entries(catalogOf(box)).find(([id]) => id.startsWith("web"));
    await soon(() => expect(mine()?.[1]).toMatchObject({ status: "passing" }));
    await box.waitFor(/tick/);
    await die(box, "throw");
    expect(mine()).toBeDefined();
    const ticks = times(box, /tick/g);
    await soon(() => expect(times(box, /tick/g)).toBeGreaterThan(ticks + 1));
    await soon(() => expect(mine()?.[1]).toMatchObject({ status: "passing" }));
    await soon(async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      expect(metrics).toContain('containerpilot_rebirths_total{cause="throw"} 1');
    });
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(catalogOf(box)).toEqual({});
  });

  it("remembers restart budgets", async () => {
    const coprocess = { name: "side", command: sh("echo side $$; exec sleep 1000"), restarts: 1 };
    const box = await mortal({ config: { ...bare, coprocesses: [coprocess] }, words: app });
    const end = async (nth: number): Promise<void> => {
      await soon(() => expect(times(box, /side \d+/g)).toBe(nth));
      const pid = [...box.output.matchAll(/side (\d+)/g)].at(-1)?.[1] ?? "";
      await box.inside("kill", "-KILL", pid);
    };
    await end(1);
    await soon(() => expect(times(box, /side \d+/g)).toBe(2));
    await die(box, "abort");
    await end(2);
    await die(box, "abort");
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(times(box, /side \d+/g)).toBe(2);
  });

  it("remembers maintenance", async () => {
    const box = await mortal({ config: { ...bare, services: [{ ...web, health: "true" }] }, words: app });
    await soon(() => expect(Object.values(catalogOf(box))).toMatchObject([{ status: "passing" }]));
    box.signal("SIGUSR1");
    await soon(() => expect(catalogOf(box)).toEqual({}));
    await die(box, "exit");
    box.signal("SIGUSR1");
    await soon(() => expect(Object.values(catalogOf(box))).toMatchObject([{ status: "passing" }]));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("goes on with a stop: a hook under way is waited for, the application is told once, its code is right", async () => {
    const config = {
      ...bare,
      preStop: sh("touch stopping; until [ -e go ]; do sleep 0.05; done; echo preStop done"),
      postStop: "echo postStop",
    };
    const box = await mortal({ config, words: app });
    await box.waitFor(/ready/);
    box.signal("SIGTERM");
    await soon(() => expect(has(box, "stopping")).toBe(true));
    await die(box, "null");
    expect(box.output).not.toContain("got TERM");
    await box.inside("touch", join(box.folder, "go"));
    expect(await box.exit).toEqual({ code: 3 });
    expect([/preStop done/g, /got TERM/g, /postStop/g].map((said) => times(box, said))).toEqual([1, 1, 1]);
  });

  it("knows the code of an application that has ended before it, while postStop runs", async () => {
    const config = { ...bare, postStop: sh("touch after; until [ -e go ]; do sleep 0.05; done; echo postStop done") };
    const box = await mortal({ config, words: sh("exit 23") });
    await soon(() => expect(has(box, "after")).toBe(true));
    await die(box, "abort");
    await box.inside("touch", join(box.folder, "go"));
    expect(await box.exit).toEqual({ code: 23 });
    expect(times(box, /postStop done/g)).toBe(1);
  });

  it("collects an application that ends in between with its exact code", async () => {
    const box = await mortal({ config: bare, words: sh("until [ -e end ]; do sleep 0.01; done; exit 42") });
    await soon(async () => expect((await box.processes()).length).toBeGreaterThan(1));
    const [, gone] = [await die(box, "abort"), await box.inside("touch", join(box.folder, "end"))];
    expect(gone.code).toBe(0);
    expect(await box.exit).toEqual({ code: 42 });
  });

  it("passes on a signal that came just after the death, and one that nobody had dealt with", async () => {
    // Which thread the kernel gives the fault to is a matter of moments.
    for (let round = 0; round < 5; round += 1) {
      const box = await mortal({ config: bare, words: app });
      await box.waitFor(/ready/);
      box.signal("SIGSEGV");
      box.signal("SIGTERM");
      expect(await box.exit).toEqual({ code: 3 });
    }
    const hung = await mortal({ config: { ...bare, preStop: "echo preStop" }, words: app });
    await hung.waitFor(/ready/);
    const dying = die(hung, "hang");
    await soon(() => expect(has(hung, "die")).toBe(false));
    hung.signal("SIGTERM");
    expect(await dying).toBe("hang");
    expect(await hung.exit).toEqual({ code: 3 });
    expect(hung.output).toContain("preStop");
  });

  it("loses no line of what others say, and says none twice", async () => {
    const count = 30_000;
    const loud = {
      name: "loud",
      command: sh(`i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo line $i; done; echo over`),
    };
    const box = await mortal({ config: { ...bare, coprocesses: [loud] }, words: app });
    await box.waitFor(/line 1000\b/);
    await die(box, "null");
    await die(box, "abort");
    await box.waitFor(/over/);
    const lines = [...box.output.matchAll(/line (\d+)\n/g)].map(([, number]) => Number(number));
    expect(lines).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });

  it("comes three times in ten minutes; then everything is stopped, and the code is the application's", async () => {
    const box = await mortal({ config: bare, words: app });
    await box.waitFor(/ready/);
    for (const way of ["throw", "abort", "null"]) await die(box, way);
    letDie(box, "abort");
    await box.waitFor(/once too often: everything is stopped/);
    expect(await box.exit).toEqual({ code: 3 });
    expect(times(box, /got TERM/g)).toBe(1);
    expect(deaths(box)).toHaveLength(3);
  });

  it.each([
    ["abort", "abort"],
    ["null", "segv"],
  ])("may die while it starts (%s): the next one is tried", async (how, cause) => {
    const box = await mortal({ config: bare, words: app });
    await box.waitFor(/ready/);
    await box.inside("sh", "-c", `echo ${how} 2 > ${join(box.folder, "boot")}`);
    box.signal("SIGSEGV");
    await soon(() => expect(deaths(box)).toEqual(["segv", cause, cause]));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });
});
