import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { type Container, describeContainers, run, writeFiles } from "../harness.ts";
import { app, bare, catalogOf, holdings, reload, sh, soon, times, web } from "./stage.ts";

describeContainers("a reload", () => {
  const good = {
    ...bare,
    services: [web],
    tasks: [{ name: "beat", command: "echo beat", frequency: "300ms" }],
    telemetry: { port: 19_193, interfaces: ["static:127.0.0.1"], sensors: [] },
  };

  /** Each ended the original, or made it a panic, when it came with HUP. */
  const broken: [string, object | string][] = [
    ["an empty command of a task", { ...good, tasks: [{ command: "", frequency: "1s" }] }],
    ["an empty list for a command", { ...good, tasks: [{ command: [], frequency: "1s" }] }],
    ["a time limit of a task that is none", { ...good, tasks: [{ command: "true", frequency: "1s", timeout: "x" }] }],
    [
      "a sensor without poll",
      { ...good, telemetry: { sensors: [{ name: "a_b", help: "h", type: "gauge", check: "echo 1" }] } },
    ],
    ["a negative time limit", { ...good, services: [{ ...web, health: "true", timeout: "-1s" }] }],
    ["etcd without endpoints", { etcd: {}, services: [web] }],
    ["two catalogs", { consul: "localhost:8500", etcd: { endpoints: "http://localhost:2379" } }],
    ["no JSON", '{ "directory": "catalog",, }'],
    ["a template that cannot be applied", '{ "directory": "{{ .X | nonsense }}" }'],
    ["an unknown key", { ...good, servces: [] }],
    ["an interface that is not there", { ...good, services: [{ ...web, interfaces: "nope7" }] }],
  ];

  it("with each fault that was a panic is refused in words, and what runs runs on", async () => {
    const box = await run({ config: good, words: app, timeoutMs: 60_000 });
    await box.waitFor(/Service registered: web/);
    for (const [what, config] of broken) {
      const said = box.output.length;
      await reload(box, config);
      const lines = box.output.slice(said);
      expect(lines, what).toMatch(/Reloading configuration\.\n[\s\S]*Error initializing config: .+\n/);
      expect(lines, what).not.toMatch(/panic|\n +at |Configuration reloaded/);
      const beats = times(box, / beat$/gm);
      await soon(() => expect(times(box, / beat$/gm)).toBeGreaterThan(beats + 1));
      expect(Object.keys(catalogOf(box)), what).toHaveLength(2);
    }
    await reload(box, { ...good, tasks: [{ name: "beat", command: "echo other", frequency: "300ms" }] });
    await box.waitFor(/ other\n/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("of a file that is gone, or may not be read, is refused as well", async () => {
    const box = await run({ config: good, words: app });
    await box.waitFor(/Service registered: web/);
    await box.inside("mv", join(box.folder, "config.json"), join(box.folder, "away"));
    await reload(box);
    expect(box.output).toMatch(/Error initializing config: .*config\.json/);
    await box.inside("mv", join(box.folder, "away"), join(box.folder, "config.json"));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("leaves unchanged services registered, and changes address, port and tags of those that changed", async () => {
    const config = (port: number, address: string) => ({
      ...bare,
      services: [web, { ...web, name: "admin", port, interfaces: `static:${address}`, tags: [`p${port}`] }],
    });
    const box = await run({ config: config(9000, "10.0.0.1"), hostname: "box", words: app });
    await box.waitFor(/Service registered: web/);
    await box.waitFor(/Service registered: admin/);
    await reload(box, config(9001, "10.0.0.2"));
    await soon(() =>
      expect(catalogOf(box)["admin-box.json"]).toMatchObject({ address: "10.0.0.2", port: 9001, tags: ["p9001"] }),
    );
    await reload(box, { ...bare, services: [web] });
    await soon(() => expect(Object.keys(catalogOf(box))).toEqual(["web-box.json"]));
    expect(times(box, /Service registered: web/g)).toBe(1);
    expect(times(box, /Deregistering service: web/g)).toBe(0);
    expect(times(box, /Deregistering service: admin/g)).toBe(1);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("changes hooks, the log and the grace of the stop; not preStart, not the application", async () => {
    const box = await run({
      config: { ...bare, preStart: "echo preStart", preStop: "echo old preStop", postStop: "echo old postStop" },
      words: app,
    });
    await box.waitFor(/ready/);
    const next = {
      preStart: "echo another preStart",
      preStop: "echo new preStop",
      postStop: "echo new postStop",
      stopTimeout: -1,
      logging: { format: "json" },
    };
    await reload(box, { ...bare, ...next });
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 137 });
    expect(box.stdout).toMatch(/^new preStop\n[\s\S]*^new postStop$/m);
    expect(box.stdout).not.toMatch(/another preStart|old p|got TERM/);
    expect(times(box, /^ready$/gm)).toBe(1);
    expect(box.stdout).toMatch(/^\{"level":"info","msg":"Stopping: SIGTERM/m);
  });

  it("during preStart uses the new configuration, once", async () => {
    const task = (word: string) => ({ name: "t", command: ["echo", word], frequency: "200ms" });
    const coprocess = (word: string) => ({ name: "c", command: sh(`echo ${word}; exec sleep 1000`) });
    const preStart = sh("cp next.json config.json; kill -HUP 1; sleep 0.7; echo preStart");
    const box = await run({
      config: {
        ...bare,
        preStart,
        services: [{ ...web, health: "false" }],
        tasks: [task("old-task")],
        coprocesses: [coprocess("old-co")],
      },
      files: {
        "next.json": JSON.stringify({
          ...bare,
          preStart,
          services: [{ ...web, health: "true" }],
          tasks: [task("new-task")],
          coprocesses: [coprocess("new-co")],
        }),
      },
      words: app,
    });
    await box.waitFor(/Service registered: web/);
    await box.waitFor(/ new-task\n/);
    await sleep(1000);
    expect(times(box, / new-co$/gm)).toBe(1);
    expect(times(box, /^preStart$/gm)).toBe(1);
    expect(times(box, /^ready$/gm)).toBe(1);
    // One poller, not two: at most one run every 200 ms.
    const before = times(box, / new-task$/gm);
    await sleep(1000);
    expect(times(box, / new-task$/gm) - before).toBeLessThanOrEqual(6);
    expect(box.output).not.toMatch(/ old-(task|co)$/m);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("that is broken during preStart changes nothing", async () => {
    const box = await run({
      config: {
        ...bare,
        preStart: sh("cp config.json keep; echo '{' > config.json; kill -HUP 1; sleep 0.4"),
        services: [web],
      },
      words: app,
    });
    await box.waitFor(/Error initializing config: /);
    await box.waitFor(/Service registered: web/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("does not run onChange again where nothing changed", async () => {
    const config = (poll: number) => ({
      ...bare,
      services: [web],
      backends: [{ name: "web", poll: 1, onChange: "echo changed" }],
      tasks: [{ command: "true", frequency: poll }],
    });
    const box = await run({ config: config(1), words: app });
    await box.waitFor(/ changed\n/);
    await reload(box, config(2));
    await reload(box, config(3));
    await sleep(1200);
    expect(times(box, / changed$/gm)).toBe(1);
    await box.kill();
  });
});

describeContainers("maintenance", () => {
  it("takes the services out, pauses checks, tasks and backends, survives a reload, and ends as it began", async () => {
    const config = (word: string) => ({
      ...bare,
      services: [{ ...web, health: sh("echo checked") }],
      backends: [{ name: "other", poll: 1, onChange: "echo changed" }],
      tasks: [{ command: ["echo", word], frequency: "200ms" }],
      coprocesses: [{ command: sh("while sleep 0.2; do echo alive; done") }],
    });
    const box = await run({ config: config("old"), hostname: "box", words: app, timeoutMs: 30_000 });
    await box.waitFor(/Service registered: web/);
    await box.waitFor(/ old\n/);
    box.signal("SIGUSR1");
    await box.waitFor(/Marking for maintenance: web\n/);
    await soon(() => expect(catalogOf(box)).toEqual({}));
    await sleep(200);
    const said = box.output.length;
    const other = { ...{ id: "other-x", name: "other", address: "10.0.0.9", port: 1, tags: [] }, ttlMs: 60_000 };
    writeFiles(box.folder, { "catalog/other-x.json": JSON.stringify({ ...other, status: "passing", owner: "x" }) });
    await reload(box, config("new"));
    await sleep(1500);
    expect(box.output.slice(said)).not.toMatch(/ (checked|changed|old|new)\n/);
    expect(box.output.slice(said)).toMatch(/ alive\n/);
    expect(Object.keys(catalogOf(box))).toEqual(["other-x.json"]);
    box.signal("SIGUSR1");
    await soon(() => expect(Object.keys(catalogOf(box))).toContain("web-box.json"));
    await soon(() => expect(box.output.slice(said)).toMatch(/ new\n/));
    await soon(() => expect(box.output.slice(said)).toMatch(/ changed\n/));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("is not undone by a check that was under way", async () => {
    const box = await run({
      config: { ...bare, services: [{ ...web, health: sh("echo begun; sleep 0.6; echo done") }] },
      words: app,
    });
    await box.waitFor(/Service registered: web/);
    const said = box.output.length;
    await soon(() => expect(box.output.slice(said)).toMatch(/ begun\n/));
    box.signal("SIGUSR1");
    await box.waitFor(/Marking for maintenance: web\n/);
    await sleep(1500);
    expect(catalogOf(box)).toEqual({});
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("from preStart holds on until it is taken back", async () => {
    const box = await run({
      config: { ...bare, preStart: sh("kill -USR1 1; sleep 0.3"), services: [web] },
      words: app,
    });
    await box.waitFor(/ready/);
    await sleep(1200);
    expect(box.output).not.toMatch(/Service registered/);
    box.signal("SIGUSR1");
    await box.waitFor(/Service registered: web/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });
});

/** It may end at any moment. */
function signalIfThere(box: Container, signal: string): void {
  try {
    box.signal(signal);
  } catch (error) {
    if (!/has ended|ESRCH/.test(String(error))) throw error;
  }
}

describeContainers("a storm of signals", () => {
  const config = {
    ...bare,
    services: [{ ...web, health: "true" }],
    tasks: [{ command: "echo task", frequency: "300ms" }],
    coprocesses: [{ name: "agent", command: ["sleep", "1000"] }],
    telemetry: { port: 19_195, interfaces: ["static:127.0.0.1"] },
  };

  it("of HUP and USR1 leaves one of everything, healthy, with not a descriptor more", async () => {
    const box = await run({ config, hostname: "box", words: app, timeoutMs: 60_000 });
    await box.waitFor(/Service registered: web/);
    await box.waitFor(/Service registered: containerpilot/);
    await reload(box);
    await box.waitFor(/ task\n/);
    const before = await holdings(box);
    for (let count = 0; count < 40; count += 1) {
      box.signal("SIGHUP");
      if (count % 4 === 3) box.signal("SIGUSR1");
      await sleep(Math.random() * 30);
    }
    await reload(box);
    // Ten times USR1: out of maintenance again, unless two were taken for one.
    await sleep(1500);
    if (Object.keys(catalogOf(box)).length === 0) box.signal("SIGUSR1");
    await soon(() => expect(Object.keys(catalogOf(box)).sort()).toEqual(["containerpilot-box.json", "web-box.json"]));
    const tasks = times(box, / task$/gm);
    await sleep(1200);
    expect(times(box, / task$/gm) - tasks).toBeLessThanOrEqual(5);
    await soon(async () => {
      const after = await holdings(box);
      expect(after.processes.filter((name) => name === "sleep")).toHaveLength(1);
      expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 1);
    });
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it.each(["SIGHUP", "SIGUSR1"])(
    "TERM in the middle of many %s ends it with the application's code",
    async (signal) => {
      const box = await run({ config: { ...config, telemetry: null }, words: app });
      await box.waitFor(/ready/);
      for (let count = 0; count < 20; count += 1) {
        box.signal(signal);
        await sleep(Math.random() * 10);
      }
      box.signal("SIGTERM");
      const asked = Date.now();
      for (let count = 0; count < 10 && box.ended === undefined; count += 1) {
        signalIfThere(box, signal);
        await sleep(5);
      }
      expect(await box.exit).toEqual({ code: 3 });
      expect(Date.now() - asked).toBeLessThan(5000);
    },
  );
});
