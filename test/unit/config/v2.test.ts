/** What a ContainerPilot 2 configuration means: the Plan and the deeds, key by key. */
import { describe, expect, it } from "vitest";
import type { Job } from "../../../src/plan.ts";
import { type Accepted, accepted, refused } from "./world.ts";

const SERVICE = { name: "web", port: 80, poll: 5, ttl: 10 };

function config(more: object): object {
  return { consul: "consul:8500", ...more };
}

function job({ plan }: Accepted, id: string): Job {
  const found = plan.jobs.find((one) => one.id === id);
  if (!found) throw new Error(`no job ${id} in ${plan.jobs.map((one) => one.id).join()}`);
  return found;
}

describe("the application", () => {
  it("is the main job, ends the container and has the terminal", async () => {
    const loaded = await accepted(config({}), { words: ["/bin/app", "--debug", "a b"] });
    expect(loaded.plan.ends).toMatchObject({ when: "mainEnds", code: "main", neverStarted: "signal", overrides: [] });
    expect(job(loaded, "app")).toMatchObject({ main: true, exec: true, onReload: "keep" });
    expect(loaded.deeds.commands.app).toMatchObject({
      argv: ["/bin/app", "--debug", "a b"],
      stdin: "inherit",
      output: "inherit",
      label: "APP",
    });
  });

  it("runs without a process where there are no words, until it is asked to end", async () => {
    const loaded = await accepted(config({ services: [SERVICE] }), { words: [] });
    expect(job(loaded, "app")).toMatchObject({ exec: false });
    expect(loaded.deeds.commands.app).toBeUndefined();
    expect(loaded.plan.ends).toMatchObject({ when: "onlyAsked", code: "zero" });
  });

  it("gets its words rendered with the addresses of its services and the pid", async () => {
    const words = [
      "/bin/{{ .NAME }}",
      "{{ .CONTAINERPILOT_WEB_IP }}",
      "{{ .CONTAINERPILOT_PID }}",
      "{{ .NONE }}",
      "plain",
    ];
    const { deeds } = await accepted(config({ services: [SERVICE] }), { words, env: { NAME: "app" } });
    expect(deeds.commands.app?.argv).toEqual(["/bin/app", "10.20.30.40", "7", "", "plain"]);
  });

  it("keeps all its words as they are when one of them cannot be rendered", async () => {
    const words = ["{{ .NAME }}", "{{ .NAME", "x"];
    const { deeds, warnings } = await accepted(config({}), { words, env: { NAME: "app" } });
    expect(deeds.commands.app?.argv).toEqual(words);
    expect(warnings.join()).toContain("{{ .NAME");
  });

  it("does not know ContainerPilot 3's functions in its words", async () => {
    const { deeds } = await accepted(config({}), { words: ['{{ env "HOME" }}'] });
    expect(deeds.commands.app?.argv).toEqual(['{{ env "HOME" }}']);
  });
});

describe("hooks", () => {
  it("preStart holds everything else back and its failure ends the container", async () => {
    const loaded = await accepted(
      config({
        preStart: "/bin/prepare it",
        backends: [{ name: "db", poll: 5, onChange: "x" }],
        tasks: [{ name: "t", command: "x", frequency: 1 }],
        coprocesses: [{ name: "c", command: "x" }],
      }),
    );
    expect(job(loaded, "preStart")).toMatchObject({
      start: { on: { fact: "startup", source: "global" } },
      restart: { limit: 0, spent: "stopContainer" },
      onReload: "keep",
    });
    const begin = { fact: "exitSuccess", source: "preStart" };
    for (const id of ["app", "task.t", "coprocess.c"]) expect(job(loaded, id).start.on).toEqual(begin);
    expect(loaded.plan.watches[0]?.from).toEqual(begin);
    expect(loaded.plan.ends.overrides).toEqual(["preStart"]);
    expect(loaded.deeds.commands.preStart).toMatchObject({
      argv: ["/bin/prepare", "it"],
      output: "inherit",
      stdin: "null",
    });
  });

  it("preStop runs at an asked stop, postStop after every run, and its code counts", async () => {
    const loaded = await accepted(config({ preStop: "a", postStop: ["b"] }));
    expect(job(loaded, "preStop").start.on).toEqual({ fact: "stopping", source: "app", only: "asked" });
    expect(job(loaded, "postStop").start.on).toEqual({ fact: "stopped", source: "app", only: "ran" });
    expect(loaded.plan.ends.overrides).toEqual(["postStop"]);
    expect(loaded.deeds.commands.postStop?.pidVariables).toEqual(["CONTAINERPILOT_POSTSTOP_PID"]);
  });

  it("onStart is preStart, which wins over it", async () => {
    const { deeds } = await accepted(config({ onStart: "old" }));
    expect(deeds.commands.preStart?.argv).toEqual(["old"]);
    const both = await accepted(config({ onStart: "old", preStart: "new" }));
    expect(both.deeds.commands.preStart?.argv).toEqual(["new"]);
  });
});

describe("stopTimeout", () => {
  it.each<[unknown, number]>([
    [undefined, 5000],
    [0, 5000],
    [2, 2000],
    ["7", 7000],
    [-1, 0],
  ])("%j is a grace of %d ms", async (stopTimeout, grace) => {
    expect(job(await accepted(config({ stopTimeout })), "app").stop.grace).toBe(grace);
  });

  it("gives way to the stop block's grace", async () => {
    const loaded = await accepted(
      config({ services: [SERVICE], stopTimeout: 2, stop: { within: "30s", drain: 20, grace: "8s", strays: "1s" } }),
    );
    expect(job(loaded, "app").stop).toMatchObject({
      grace: 8000,
      drain: { quiet: 500, max: 20_000 },
      order: ["withdraw", "drain", "hooks", "signal"],
      target: "process",
      leftovers: "keep",
    });
    expect(loaded.plan.stop).toEqual({ within: 30_000, strays: 1000 });
  });
});

describe("services", () => {
  it("hang on the application with their checks", async () => {
    const loaded = await accepted(
      config({ services: [{ ...SERVICE, health: "/bin/check", timeout: "1500ms", tags: ["a", 5], interfaces: "lo" }] }),
    );
    expect(job(loaded, "app").probes).toMatchObject([
      { id: "health.web", how: "exec", every: 5000, first: 5000, timeout: 1500, fall: 1, fallAfter: 10_000 },
    ]);
    expect(loaded.deeds.services["web-HOST"]).toEqual({
      id: "web-HOST",
      name: "web",
      address: "127.0.0.1",
      port: 80,
      tags: ["a", "5"],
      ttl: 10_000,
    });
    expect(loaded.deeds.commands["health.web"]).toMatchObject({
      label: "web.health",
      output: "log",
      fields: { process: "health", serviceName: "web", serviceID: "web-HOST" },
      timeoutText: "1500ms",
    });
    expect(loaded.deeds.environment).toEqual({ CONTAINERPILOT_WEB_IP: "127.0.0.1" });
  });

  it("without a check are always healthy; a time limit of 0 is none", async () => {
    const loaded = await accepted(
      config({ services: [SERVICE, { ...SERVICE, name: "api", port: 81, health: "x", timeout: 0 }] }),
    );
    const [web, api] = job(loaded, "app").probes;
    expect(web?.how).toBe("always");
    expect(api?.timeout).toBe(Number.POSITIVE_INFINITY);
  });

  it("take the keys below the top in any case, and weak types", async () => {
    const { deeds } = await accepted(config({ services: [{ Name: "web", PORT: "0x50", poll: true, TTL: "010" }] }));
    expect(deeds.services["web-HOST"]).toMatchObject({ port: 80, ttl: 8000 });
  });

  it("of the same name keep their own probes", async () => {
    const loaded = await accepted(config({ services: [SERVICE, { ...SERVICE, port: 81 }] }));
    expect(job(loaded, "app").probes.map(({ id }) => id)).toEqual(["health.web", "health.web#2"]);
  });

  it("carry their consul block", async () => {
    const consul = { enableTagOverride: "true", deregisterCriticalServiceAfter: "40m" };
    const { deeds } = await accepted(config({ services: [{ ...SERVICE, consul }] }));
    expect(deeds.services["web-HOST"]).toMatchObject({
      enableTagOverride: true,
      deregisterCriticalServiceAfter: "40m",
    });
    expect(await refused(config({ services: [{ ...SERVICE, consul: { enableTagOverride: "nope" } }] }))).toContain(
      "services[0].consul.enableTagOverride",
    );
    for (const time of ["nope", "10"]) {
      const block = { deregisterCriticalServiceAfter: time };
      expect(await refused(config({ services: [{ ...SERVICE, consul: block }] }))).toContain(`found "${time}"`);
    }
  });

  it("with publicIp take a public address where there is one", async () => {
    const interfaces = [
      { name: "eth0", address: "10.0.0.5" },
      { name: "eth1", address: "203.0.113.9" },
    ];
    const given = { services: [{ ...SERVICE, publicIp: true }] };
    const loaded = await accepted(config(given), { interfaces });
    expect(loaded.deeds.services["web-HOST"]?.address).toBe("203.0.113.9");
    const without = await accepted(config(given), { interfaces: interfaces.slice(0, 1) });
    expect(without.deeds.services["web-HOST"]?.address).toBe("10.0.0.5");
  });
});

describe("backends", () => {
  it("watch, and run their command when the application is healthy", async () => {
    const loaded = await accepted(
      config({ backends: [{ name: "db", poll: "7", onChange: ["sh", "-c", "x"], timeout: 1, tag: "primary" }] }),
    );
    expect(loaded.plan.watches).toMatchObject([
      { id: "watch.db", from: { fact: "startup", source: "global" }, maintenancePauses: true },
    ]);
    expect(loaded.deeds.watches["watch.db"]).toEqual({ name: "db", tag: "primary", poll: 7000 });
    expect(job(loaded, "onChange.db")).toMatchObject({
      timeout: 1000,
      start: {
        on: { fact: "changed", source: "watch.db" },
        times: Number.POSITIVE_INFINITY,
        overlap: { mode: "coalesce", max: 1 },
        hold: { fact: "healthy", source: "app" },
        holdMax: 7000,
      },
    });
    expect(loaded.deeds.commands["onChange.db"]).toMatchObject({ label: "db.onChange", timeoutText: "1" });
  });

  it("of one name and two tags are two watches", async () => {
    const backend = { name: "db", poll: 5, onChange: "x" };
    const { deeds } = await accepted(
      config({
        backends: [
          { ...backend, tag: "a" },
          { ...backend, tag: "b" },
        ],
      }),
    );
    expect(deeds.watches).toMatchObject({ "watch.db": { tag: "a" }, "watch.db#2": { tag: "b" } });
  });
});

describe("tasks and coprocesses", () => {
  it.each<[object, number, number]>([
    [{ frequency: "1ms" }, 1, 1],
    [{ frequency: "10s", timeout: "10" }, 10_000, 10_000],
    [{ frequency: "10", timeout: "1s" }, 10_000, 1000],
    [{ frequency: 2 }, 2000, 2000],
    [{ frequency: "1h10m", timeout: "" }, 4_200_000, 4_200_000],
  ])("%j", async (task, period, timeout) => {
    const loaded = await accepted(config({ tasks: [{ name: "t", command: "x", ...task }] }));
    expect(job(loaded, "task.t")).toMatchObject({
      timeout,
      start: { every: { period, first: "later" }, overlap: { mode: "coalesce", max: 1 } },
      restart: { limit: Number.POSITIVE_INFINITY },
      maintenancePauses: true,
    });
  });

  it.each(["-1ms", "1ns", "0", "", "x"])("refuses a frequency of %j", async (frequency) => {
    expect(await refused(config({ tasks: [{ command: "x", frequency }] }))).toContain("tasks[0].frequency");
  });

  it.each(["-1ms", "1ns", "0", "x"])("refuses a time limit of %j", async (timeout) => {
    expect(await refused(config({ tasks: [{ command: "x", frequency: 1, timeout }] }))).toContain("tasks[0].timeout");
  });

  it.each<[unknown, number]>([
    [3, 3],
    ["1", 1],
    ["never", 0],
    [0, 0],
    [undefined, 0],
    [1.1, 1],
    ["unlimited", Number.POSITIVE_INFINITY],
  ])("restarts: %j allows %d further runs", async (restarts, limit) => {
    const loaded = await accepted(config({ coprocesses: [{ name: "c", command: "x", restarts }] }));
    expect(job(loaded, "coprocess.c")).toMatchObject({
      restart: { limit, budget: "life", on: "any" },
      stop: { rank: 1, target: "group" },
      onReload: "restart",
    });
  });

  it("are named by their command where they have no name, each with an id of its own", async () => {
    const loaded = await accepted(
      config({
        coprocesses: [{ command: "echo once" }, { command: ["echo", "once"] }],
        tasks: [{ command: "true", frequency: 1 }],
      }),
    );
    expect(loaded.plan.jobs.map(({ id }) => id)).toEqual([
      "task.true",
      "coprocess.echo once",
      "coprocess.echo once#2",
      "app",
    ]);
    expect(loaded.deeds.commands["coprocess.echo once"]?.fields).toEqual({ process: "coprocess", coprocess: "" });
    expect(loaded.deeds.commands["coprocess.echo once"]?.pidVariables).toEqual([
      "CONTAINERPILOT_COPROCESS[ECHO ONCE]_PID",
      "CONTAINERPILOT_ECHO_ONCE_PID",
    ]);
    expect(loaded.deeds.commands["task.true"]?.label).toBe("task[true]");
  });
});

describe("telemetry", () => {
  const sensor = { name: "load", help: "load", type: "gauge", poll: 2, check: "cat /proc/loadavg" };

  it("is a service of its own, with sensors as jobs", async () => {
    const loaded = await accepted(
      config({ telemetry: { sensors: [{ namespace: "shop", ...sensor, timeout: "5s" }] } }),
    );
    expect(loaded.deeds.telemetry).toEqual({
      address: "10.20.30.40",
      port: 9090,
      path: "/metrics",
      sensors: { "sensor.shop_load": { name: "shop_load", help: "load", type: "gauge" } },
      metrics: {},
    });
    expect(loaded.deeds.services["containerpilot-HOST"]).toMatchObject({ port: 9090, ttl: 15_000 });
    expect(job(loaded, "app").probes).toMatchObject([{ id: "health.containerpilot", how: "always", every: 5000 }]);
    expect(job(loaded, "sensor.shop_load")).toMatchObject({
      captures: true,
      timeout: 5000,
      start: { every: { period: 2000, first: "later" } },
      maintenancePauses: true,
    });
    expect(loaded.deeds.commands["sensor.shop_load"]).toMatchObject({ output: "capture", label: "load.sensor" });
    expect(loaded.deeds.environment).toEqual({ CONTAINERPILOT_CONTAINERPILOT_IP: "10.20.30.40" });
  });

  it("is off where it is null, and on where it is empty", async () => {
    expect((await accepted(config({ telemetry: null }))).deeds.telemetry).toBeUndefined();
    expect((await accepted(config({ telemetry: {} }))).deeds.telemetry).toMatchObject({ port: 9090 });
  });

  it("takes the original's undocumented keys", async () => {
    const telemetry = { ttl: 30, poll: 10, url: "/m", serviceName: "cp" };
    const { deeds } = await accepted(config({ telemetry }));
    expect(deeds.telemetry?.path).toBe("/m");
    expect(deeds.services["cp-HOST"]?.ttl).toBe(30_000);
  });

  it("takes one metric from two equal sensors", async () => {
    const { deeds } = await accepted(config({ telemetry: { sensors: [sensor, sensor] } }));
    expect(Object.keys(deeds.telemetry?.sensors ?? {})).toEqual(["sensor.load", "sensor.load#2"]);
  });
});

describe("signals", () => {
  it("are the original's, with INT as TERM", async () => {
    expect((await accepted(config({}))).plan.signals).toEqual({
      1: "reload",
      2: "stop",
      10: "maintenance",
      15: "stop",
    });
  });

  it("can have other deeds", async () => {
    const signals = {
      SIGHUP: "forward",
      quit: "stop",
      SIGUSR2: "forward:SIGWINCH",
      "SIGRTMIN+1": "ignore",
      usr1: "event",
    };
    expect((await accepted(config({ signals }))).plan.signals).toEqual({
      1: { forward: "app" },
      2: "stop",
      3: "stop",
      10: "fact",
      12: { forward: "app", as: 28 },
      15: "stop",
      35: "ignore",
    });
  });

  it("cannot be sent on without an application", async () => {
    expect(await refused(config({ signals: { HUP: "forward" } }), { words: [] })).toContain("signals.HUP");
  });
});

describe("logging", () => {
  it("has defaults, and takes its words in any case", async () => {
    expect((await accepted(config({}))).deeds.logging).toEqual({
      level: "info",
      format: "default",
      output: "stdout",
      dialect: "v2",
    });
    const logging = { level: "WARNING", format: "JSON", output: "StdErr" };
    expect((await accepted(config({ logging }))).deeds.logging).toMatchObject({
      level: "warn",
      format: "json",
      output: "stderr",
    });
    const blank = { level: "", format: "", output: null };
    expect((await accepted(config({ logging: blank }))).deeds.logging).toMatchObject({
      level: "info",
      output: "stdout",
    });
  });
});

describe("fingerprints", () => {
  const given = config({
    services: [{ ...SERVICE, health: "/bin/check" }],
    tasks: [{ name: "t", command: "a", frequency: 5 }],
    backends: [{ name: "db", poll: 5, onChange: "x" }],
  });

  it("are equal for equal configurations, whatever the spelling", async () => {
    const one = await accepted(given);
    const other = await accepted(`// a comment\n${JSON.stringify(given)}`);
    expect(other.plan).toEqual(one.plan);
  });

  it("differ only where something differs, commands included", async () => {
    const one = await accepted(given);
    const other = await accepted({ ...given, tasks: [{ name: "t", command: "b", frequency: 5 }] });
    const prints = ({ plan }: Accepted): Record<string, string> =>
      Object.fromEntries([...plan.jobs, ...plan.watches].map(({ id, print }) => [id, print]));
    const different = Object.keys(prints(one)).filter((id) => prints(one)[id] !== prints(other)[id]);
    expect(different).toEqual(["task.t"]);
    expect(one.plan.print).not.toBe(other.plan.print);
    expect(new Set(Object.values(prints(one))).size).toBe(Object.keys(prints(one)).length);
  });
});
