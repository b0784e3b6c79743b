/** What a ContainerPilot 3 configuration means: the Plan and the deeds, key by key. */
import { describe, expect, it } from "vitest";
import type { Job } from "../../../src/plan.ts";
import { type Accepted, accepted as acceptedAny, refused as refusedAny } from "./world.ts";

const UNLIMITED = Number.POSITIVE_INFINITY;
const HEALTH = { exec: "/bin/check", interval: 5, ttl: 15 };

const accepted = (config: unknown): Promise<Accepted> => acceptedAny(config, { words: [], version: "4.0.0" });
const refused = (config: unknown): Promise<string> => refusedAny(config, { words: [] });

/** Further jobs beside one that they can wait for. */
function jobs(...more: object[]): object {
  return { consul: "consul:8500", jobs: [{ name: "app", exec: "/bin/app" }, ...more] };
}

function job({ plan }: Accepted, id: string): Job {
  const found = plan.jobs.find((one) => one.id === id);
  if (!found) throw new Error(`no job ${id} in ${plan.jobs.map((one) => one.id).join()}`);
  return found;
}

async function loadJob(given: object): Promise<Job> {
  return job(await accepted(jobs({ name: "one", exec: "x", ...given })), "one");
}

describe("a job", () => {
  it("runs once at startup, in a group that is cleaned up after it", async () => {
    expect(await loadJob({})).toMatchObject({
      main: false,
      exec: true,
      timeout: UNLIMITED,
      start: { on: { fact: "startup", source: "global" }, times: 1 },
      restart: { limit: 0, budget: "life", on: "any", spent: "complete", backoff: { first: 0, min: 500, max: 30_000 } },
      stop: {
        rank: 0,
        order: ["hooks", "withdraw", "drain", "signal"],
        signal: 15,
        target: "group",
        grace: 5000,
        leftovers: "term",
        hookMax: UNLIMITED,
        hooksEvenIfGone: true,
      },
      maintenancePauses: false,
      onReload: "restart",
    });
  });

  it("without exec runs without a process", async () => {
    const loaded = await accepted(jobs({ name: "one" }));
    expect(job(loaded, "one").exec).toBe(false);
    expect(loaded.deeds.commands.one).toBeUndefined();
  });

  it("logs with its name, or has our descriptors", async () => {
    const loaded = await accepted(
      jobs({ name: "wrapped", exec: "x" }, { name: "raw", exec: "x", logging: { raw: true }, timeout: "90s" }),
    );
    expect(loaded.deeds.commands.wrapped).toEqual({
      argv: ["x"],
      label: "wrapped",
      stdin: "null",
      output: "log",
      fields: { job: "wrapped" },
      pidVariables: ["CONTAINERPILOT_WRAPPED_PID"],
      pidUntilEnd: true,
    });
    expect(loaded.deeds.commands.raw).toMatchObject({ output: "inherit", timeoutText: "1m30s" });
  });

  it.each<[unknown, number]>([
    ["4s", 4000],
    ["0", UNLIMITED],
    ["-1s", UNLIMITED],
    ["", UNLIMITED],
  ])("with stopTimeout %j waits for its hooks for %d ms", async (stopTimeout, hookMax) => {
    expect((await loadJob({ stopTimeout })).stop.hookMax).toBe(hookMax);
  });

  it.each<[unknown, number]>([
    [0, 0],
    [3, 3],
    ["1", 1],
    [1.9, 1],
    ["never", 0],
    ["unlimited", UNLIMITED],
    [undefined, 0],
  ])("with restarts %j has %d further runs", async (restarts, limit) => {
    expect((await loadJob({ restarts })).restart.limit).toBe(limit);
  });

  it("may have any name where it is not advertised", async () => {
    const loaded = await accepted(jobs({ name: "My job!", exec: "x" }));
    expect(job(loaded, "My job!").id).toBe("My job!");
    const advertised = { name: "My job!", exec: "x", port: 80, health: HEALTH };
    expect(await refused(jobs(advertised))).toContain("jobs[1].name");
  });
});

describe("when", () => {
  const event = (once: string, source: string): object => ({ when: { once, source } });

  it.each(["exitSuccess", "exitFailed", "stopping", "stopped", "healthy", "unhealthy", "timerExpired"])(
    "once %s of a job",
    async (fact) => {
      expect((await loadJob(event(fact, "app"))).start).toMatchObject({ on: { fact, source: "app" }, times: 1 });
    },
  );

  it("each, without end; exits are counted, the rest coalesces", async () => {
    const exits = await loadJob({ when: { each: "exitFailed", source: "app" } });
    expect(exits.start).toMatchObject({ times: UNLIMITED, overlap: { mode: "queue", max: 100 } });
    const healthy = await loadJob({ when: { each: "healthy", source: "app" } });
    expect(healthy.start.overlap).toEqual({ mode: "coalesce", max: 1 });
  });

  it.each(["startup", "enterMaintenance", "exitMaintenance"])("%s comes from global only", async (fact) => {
    expect((await loadJob(event(fact, "global"))).start).toMatchObject({ on: { fact, source: "global" }, times: 1 });
    expect((await loadJob(event(fact, "app"))).start.times).toBe(0);
  });

  it.each(["SIGHUP", "SIGUSR2"])("%s as source wins over the event", async (source) => {
    for (const when of [{ source }, { source, once: "healthy" }, { source, each: source }]) {
      expect((await loadJob({ when })).start).toMatchObject({ on: { fact: "signal", source }, times: UNLIMITED });
    }
    expect(await refused(jobs({ name: "one", exec: "x", when: { source, once: "nonsense" } }))).toContain("when.once");
  });

  it("takes a signal that the signals block makes an event", async () => {
    const given = { ...jobs({ name: "one", exec: "x", when: { source: "SIGQUIT" } }), signals: { quit: "event" } };
    const loaded = await accepted(given);
    expect(job(loaded, "one").start.on).toEqual({ fact: "signal", source: "SIGQUIT" });
    expect(loaded.plan.signals[3]).toBe("fact");
  });

  it("interval: at once, then again and again, each run no longer than that", async () => {
    expect(await loadJob({ when: { interval: "250ms", timeout: "nonsense" } })).toMatchObject({
      start: { on: { fact: "startup", source: "global" }, every: { period: 250, first: "now" } },
      restart: { limit: UNLIMITED },
      timeout: 250,
    });
    expect(await loadJob({ when: { interval: 1 }, restarts: 2, timeout: "4s" })).toMatchObject({
      start: { every: { period: 1000 } },
      restart: { limit: 2 },
      timeout: 4000,
    });
  });

  it("timeout: gives up waiting", async () => {
    const start = { once: "healthy", source: "app" };
    expect((await loadJob({ when: { ...start, timeout: "30s" } })).start.within).toEqual({
      ms: 30_000,
      otherwise: "quit",
    });
    expect((await loadJob({ when: { ...start, timeout: "0" } })).start.within).toBeUndefined();
  });

  it.each([{}, { source: "app" }, { source: "app", once: "" }])("%j never starts the job", async (when) => {
    expect((await loadJob({ when })).start.times).toBe(0);
  });

  it("names all jobs and watches of a repeated name", async () => {
    const loaded = await accepted({
      ...jobs(
        { name: "app", exec: "/bin/other" },
        { name: "one", exec: "x", when: { once: "stopped", source: "app" } },
        { name: "two", exec: "x", when: { each: "changed", source: "watch.db" } },
      ),
      watches: [
        { name: "db", interval: 5, tag: "a" },
        { name: "db", interval: 5, tag: "b" },
      ],
    });
    const any = (fact: string, ids: string[]): object => ({ atLeast: 1, of: ids.map((source) => ({ fact, source })) });
    expect(job(loaded, "one").start.on).toEqual(any("stopped", ["app", "app#2"]));
    expect(job(loaded, "two").start.on).toEqual(any("changed", ["watch.db", "watch.db#2"]));
  });

  it("can wait for another job's check", async () => {
    const loaded = await accepted(
      jobs(
        { name: "web", exec: "x", health: HEALTH },
        { name: "one", exec: "x", when: { each: "exitFailed", source: "check.web" } },
      ),
    );
    expect(job(loaded, "one").start.on).toEqual({ fact: "exitFailed", source: "check.web" });
    expect(job(loaded, "web").probes[0]?.id).toBe("check.web");
    expect(loaded.warnings).toEqual([]);
  });
});

describe("health", () => {
  it("is checked within its interval", async () => {
    const loaded = await accepted(jobs({ name: "web", exec: "x", health: HEALTH }));
    expect(job(loaded, "web").probes).toMatchObject([
      {
        id: "check.web",
        how: "exec",
        every: 5000,
        first: 5000,
        timeout: 5000,
        startEvery: 1000,
        fall: 1,
        fallAfter: 15_000,
      },
    ]);
    expect(loaded.deeds.commands["check.web"]).toMatchObject({
      label: "check.web",
      fields: { check: "check.web" },
      output: "log",
      timeoutText: "5s",
    });
  });

  it.each<[unknown, number]>([
    ["800ms", 800],
    ["0", UNLIMITED],
    ["-1s", UNLIMITED],
  ])("has the time limit %j", async (timeout, ms) => {
    expect((await loadJob({ health: { ...HEALTH, timeout } })).probes[0]?.timeout).toBe(ms);
  });

  it("without exec is good by definition where the job is advertised, and nothing where it is not", async () => {
    const health = { interval: 5, ttl: 15 };
    expect((await loadJob({ health, port: 80 })).probes).toMatchObject([
      { how: "always", service: { id: "one-HOST" } },
    ]);
    expect((await loadJob({ health })).probes).toEqual([]);
  });
});

describe("advertised jobs", () => {
  it("are services with an address", async () => {
    const loaded = await accepted(
      jobs({
        name: "web-app",
        exec: "x",
        port: "0x50",
        initial_status: "warning",
        interfaces: ["eth9", "lo"],
        tags: ["a"],
        health: HEALTH,
        consul: { enableTagOverride: true, deregisterCriticalServiceAfter: "10m" },
      }),
    );
    expect(loaded.deeds.services).toEqual({
      "web-app-HOST": {
        id: "web-app-HOST",
        name: "web-app",
        address: "127.0.0.1",
        port: 80,
        tags: ["a"],
        ttl: 15_000,
        checkEmbedded: true,
        enableTagOverride: true,
        deregisterCriticalServiceAfter: "10m",
      },
    });
    expect(job(loaded, "web-app").probes[0]?.service).toEqual({ id: "web-app-HOST", ttl: 15_000, initial: "warning" });
    expect(loaded.deeds.environment).toEqual({ CONTAINERPILOT_WEB_APP_IP: "127.0.0.1" });
  });

  it("alone need a good address, name, status and lifetime", async () => {
    const idle = { interfaces: ["!"], initial_status: "ok", consul: {} };
    expect((await loadJob(idle)).probes).toEqual([]);
    expect(
      (await refused(jobs({ name: "web", exec: "x", port: 80, health: HEALTH, ...idle }))).match(/jobs\[1\]\.\w+/g),
    ).toEqual(["jobs[1].interfaces", "jobs[1].initial_status", "jobs[1].consul"]);
  });
});

describe("what is new", () => {
  it("main: the end of this job is the container's", async () => {
    const loaded = await accepted(
      jobs({ name: "web", exec: "x", main: true, stopSignal: "quit", stopTarget: "process" }),
    );
    expect(loaded.plan.ends).toEqual({
      when: "mainEnds",
      code: "main",
      overrides: [],
      neverStarted: "signal",
      map: {},
    });
    expect(job(loaded, "web")).toMatchObject({ main: true, stop: { signal: 3, target: "process" } });
    expect(loaded.deeds.commands.web?.stdin).toBe("inherit");
  });

  it("exit: whose code, and which becomes which", async () => {
    const loaded = await accepted({ ...jobs(), exit: { of: "worst", map: { 143: 0, "1": "70" } } });
    expect(loaded.plan.ends).toMatchObject({ when: "allDone", code: "worst", map: { 143: 0, 1: 70 } });
  });

  it("bounds every stop: by stop.within, else by what the limits add up to and ten minutes", async () => {
    const within = async (more: object, ...rest: object[]): Promise<number> => {
      return (await accepted({ ...jobs(...rest), ...more })).plan.stop.within;
    };
    const hook = { name: "one", exec: "x", when: { once: "stopping", source: "app" } };
    const bare = 600_000 + 5000 + 2000 + 500;
    expect(await within({})).toBe(bare);
    expect(await within({}, hook)).toBe(bare);
    expect(await within({}, { ...hook, timeout: "1h" }, { name: "two", exec: "x", timeout: "9h" })).toBe(
      bare + 3_600_000,
    );
    expect(await within({}, { name: "two", exec: "x", stopTimeout: "20m" })).toBe(bare + 1_200_000);
    expect(await within({ stopTimeout: 900, stop: { drain: "1m" } })).toBe(bare + 895_000 + 60_000);
    expect(await within({ stop: { within: "3s" } }, hook)).toBe(3000);
  });

  it("essential: its last failure stops the container", async () => {
    expect((await loadJob({ essential: true })).restart.spent).toBe("stopContainer");
  });

  it("backoff: false for none, or an object", async () => {
    expect((await loadJob({ backoff: false })).restart.backoff).toEqual({
      first: 0,
      min: 0,
      factor: 1,
      max: 0,
      resetAfter: 0,
    });
    expect((await loadJob({ backoff: { min: "1s", max: "1m", factor: 3, resetAfter: "5s" } })).restart.backoff).toEqual(
      {
        first: 0,
        min: 1000,
        factor: 3,
        max: 60_000,
        resetAfter: 5000,
      },
    );
  });

  it("reload: changed keeps what is unchanged", async () => {
    const loaded = await accepted({ ...jobs(), reload: "changed" });
    expect(job(loaded, "app").onReload).toBe("ifChanged");
  });

  it("stop: deregistration first, and a budget", async () => {
    const web = { name: "web", exec: "x", port: 80, health: HEALTH };
    const loaded = await accepted({ ...jobs(web), stop: { within: "30s", drain: "10s" } });
    expect(job(loaded, "web").stop).toMatchObject({
      order: ["withdraw", "drain", "hooks", "signal"],
      drain: { quiet: 500, max: 10_000 },
    });
    expect(job(loaded, "app").stop.drain).toBeUndefined();
    expect(loaded.plan.stop.within).toBe(30_000);
  });
});

describe("the rest", () => {
  it("ends when all jobs are done, with 0", async () => {
    const { plan } = await accepted(jobs());
    expect(plan.ends).toEqual({ when: "allDone", code: "zero", overrides: [], neverStarted: "zero", map: {} });
    expect(plan.signals).toEqual({ 1: "fact", 2: "stop", 10: "reopen", 12: "fact", 15: "stop" });
  });

  it("watches services from the start", async () => {
    const { plan, deeds } = await accepted({
      ...jobs(),
      watches: [{ name: "db", interval: "5", tag: "live", dc: "dc1" }],
    });
    expect(plan.watches).toMatchObject([
      { id: "watch.db", from: { fact: "startup", source: "global" }, maintenancePauses: false },
    ]);
    expect(deeds.watches).toEqual({ "watch.db": { name: "db", tag: "live", dc: "dc1", poll: 5000 } });
  });

  it("has a control socket and logs to a file", async () => {
    const { deeds } = await accepted({
      ...jobs(),
      control: { socket: "/run/x.sock" },
      logging: { output: "/var/log/CP.log", level: "fatal" },
    });
    expect(deeds.control).toBe("/run/x.sock");
    expect(deeds.logging).toEqual({ level: "fatal", format: "default", output: "/var/log/CP.log", dialect: "v3" });
    expect((await accepted(jobs())).deeds.control).toBe("/var/run/containerpilot.socket");
  });

  it("advertises telemetry as a job of its own, last, with the version as a tag", async () => {
    const metrics = [
      { namespace: "shop", subsystem: "web", name: "hits", help: "h", type: "counter" },
      { name: "g", help: "g", type: "gauge" },
    ];
    const loaded = await accepted({ ...jobs(), telemetry: { port: 9999, tags: ["a"], metrics } });
    expect(loaded.plan.jobs.at(-1)).toMatchObject({ id: "containerpilot", exec: false, probes: [{ how: "always" }] });
    expect(loaded.deeds.services["containerpilot-HOST"]).toMatchObject({
      port: 9999,
      tags: ["a", "4.0.0"],
      ttl: 15_000,
    });
    expect(loaded.deeds.environment).toEqual({ CONTAINERPILOT_CONTAINERPILOT_IP: "10.20.30.40" });
    expect(Object.keys(loaded.deeds.telemetry?.metrics ?? {}).sort()).toEqual(["__g", "g", "shop_web_hits"]);
  });

  it("with telemetry on port 0 advertises nothing", async () => {
    const { deeds } = await accepted({ ...jobs(), telemetry: { port: 0 } });
    expect(deeds.services).toEqual({});
    expect(deeds.telemetry?.port).toBe(0);
  });
});
