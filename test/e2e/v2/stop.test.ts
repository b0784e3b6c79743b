import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeContainers, fixture, run } from "../harness.ts";

const sh = (script: string) => ["sh", "-c", script];
/** Says what it was told, on stdout, in order with the hooks. */
const traps = sh("trap 'echo app: TERM; exit 3' TERM; echo up; while :; do sleep 0.05; done");
const web = { name: "web", port: 8000, poll: 1, ttl: 5, interfaces: "static:10.1.2.3" };
const bare = { directory: "catalog" };
const catalogOf = (folder: string) => readdirSync(join(folder, "catalog")).filter((name) => !name.startsWith("."));

describeContainers("a stop", () => {
  it("deregisters, runs preStop, stops the application, runs postStop, and ends with the application's code", async () => {
    const look = "echo catalog: $(ls catalog | wc -l)";
    const box = await run({
      config: { ...bare, services: [web], preStop: sh(`${look}; echo preStop`), postStop: "echo postStop" },
      words: traps,
    });
    await box.waitFor(/Service registered: web/);
    expect(catalogOf(box.folder)).toHaveLength(1);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(box.output).toMatch(
      /Deregistering service: web[\s\S]*catalog: 0\npreStop\napp: TERM\n[\s\S]*exit status 3[\s\S]*postStop\n/,
    );
  });

  it("is the same for SIGINT, which the original did not handle", async () => {
    const box = await run({ config: { ...bare, preStop: "echo preStop" }, words: traps });
    await box.waitFor(/up/);
    box.signal("SIGINT");
    expect(await box.exit).toEqual({ code: 3 });
    expect(box.stdout).toMatch(/^preStop\n[\s\S]*^app: TERM$/m);
  });

  it("deregisters when the application ends by itself, without preStop", async () => {
    const box = await run({
      config: { ...bare, services: [web], preStop: "echo preStop", postStop: "echo postStop" },
      words: sh("while [ ! -e go ]; do sleep 0.05; done; exit 4"),
    });
    await box.waitFor(/Service registered: web/);
    await box.inside("touch", join(box.folder, "go"));
    expect(await box.exit).toEqual({ code: 4 });
    expect(box.stdout).not.toContain("preStop\n");
    expect(box.stdout).toContain("postStop\n");
  });

  it("kills an application that ignores TERM after stopTimeout: 137, postStop runs", async () => {
    const box = await run({
      config: { ...bare, stopTimeout: 1, postStop: "echo postStop" },
      words: [fixture("ignores-term")],
    });
    await box.waitFor(/ready/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 137 });
    expect(box.stdout).toContain("postStop\n");
  });

  it("kills at once with a negative stopTimeout", async () => {
    const box = await run({ config: { ...bare, stopTimeout: -1 }, words: traps });
    await box.waitFor(/up/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 137 });
    expect(box.stdout).not.toContain("app: TERM");
  });

  it("in preStart ends preStart: 143, no application, no hooks", async () => {
    const box = await run({
      config: {
        ...bare,
        preStart: sh("echo preStart; exec sleep 100"),
        preStop: "echo preStop",
        postStop: "echo postStop",
      },
      words: ["echo", "app"],
    });
    await box.waitFor(/preStart/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 143 });

    expect(box.stdout).not.toMatch(/^(app|preStop|postStop)$/m);
  });

  it("in preStart by SIGINT is 130", async () => {
    const box = await run({ config: { ...bare, preStart: sh("echo preStart; exec sleep 100") }, words: ["true"] });
    await box.waitFor(/preStart/);
    box.signal("SIGINT");
    expect(await box.exit).toEqual({ code: 130 });
  });

  it("asked twice cuts a hung preStop short, but not the application's grace", async () => {
    const box = await run({
      config: { ...bare, preStop: sh("echo preStop; exec sleep 100"), postStop: "echo postStop" },
      words: sh("trap 'sleep 0.3; echo app: TERM; exit 3' TERM; echo up; while :; do sleep 0.05; done"),
    });
    await box.waitFor(/up/);
    box.signal("SIGTERM");
    await box.waitFor(/preStop\n/);
    box.signal("SIGTERM");
    await box.waitFor(/asked again/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(box.stdout).toContain("app: TERM\n");
    expect(box.stdout).toContain("postStop\n");
  });

  it("takes an application that ended during preStop as ended", async () => {
    const box = await run({
      config: { ...bare, preStop: sh("touch go; sleep 0.5; echo preStop"), postStop: "echo postStop" },
      words: sh("echo up; while [ ! -e go ]; do sleep 0.05; done; exit 6"),
    });
    await box.waitFor(/up/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 6 });
    expect(box.stdout).toContain("postStop\n");
  });

  it("leaves nobody behind: children of the application are ended too", async () => {
    const box = await run({ config: bare, words: sh("sleep 1000 & sleep 1000 & echo up; exit 0") });
    expect(await box.exit).toEqual({ code: 0 });
  });

  it("stops coprocesses last, after postStop", async () => {
    const coprocess = sh("trap 'echo coprocess: TERM; exit 0' TERM; echo coprocess: up; while :; do sleep 0.05; done");
    const box = await run({
      config: { ...bare, coprocesses: [{ name: "agent", command: coprocess }], postStop: "echo postStop" },
      words: traps,
    });
    await box.waitFor(/coprocess: up/);
    await box.waitFor(/^up/m);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(box.stdout).toMatch(/app: TERM[\s\S]*postStop[\s\S]*coprocess: TERM/);
  });
});

describeContainers("without an application", () => {
  it("runs on, and TERM ends it with 0", async () => {
    const box = await run({ config: { ...bare, preStart: "echo preStart", preStop: "echo preStop", services: [web] } });
    await box.waitFor(/Service registered: web/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.stdout).toContain("preStop\n");
    expect(catalogOf(box.folder)).toEqual([]);
  });
});
