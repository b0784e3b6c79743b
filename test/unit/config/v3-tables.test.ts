/**
 * Configurations that ContainerPilot 3.8.0's own unit tests try, row by row: what it took is taken, and means the same; what
 * it refused is refused, at the key that is wrong. Rows of single values are in decode, durations, interfaces and names.
 */
import { describe, expect, it } from "vitest";
import { parseSelector, selectAddress } from "../../../src/config/interfaces.ts";
import { attemptLoad } from "../../../src/config/load.ts";
import type { Job } from "../../../src/plan.ts";
import { type Accepted, accepted as acceptedAny, loadText, refused as refusedAny, request } from "./world.ts";

const UNLIMITED = Number.POSITIVE_INFINITY;
const none = { words: [], version: "3.9.0" };
const accepted = (config: unknown): Promise<Accepted> => acceptedAny(config, none);
const refused = (config: unknown): Promise<string> => refusedAny(config, none);

const health = { exec: "/bin/true", interval: 1, ttl: 5 };
const web = { name: "web", exec: "/bin/web", port: 80, interfaces: "static:10.1.2.3", health };

const alone = (job: object): object => ({ consul: "consul:8500", jobs: [job] });
const jobOf = ({ plan }: Accepted, id: string): Job => plan.jobs.find((job) => job.id === id) as Job;
const loadJob = async (job: { name: string } & Record<string, unknown>): Promise<Job> =>
  jobOf(await accepted(alone(job)), job.name);

describe("a job is taken", () => {
  it.each<[unknown, string[]]>([
    ["/bin/app.sh a1 a2", ["/bin/app.sh", "a1", "a2"]],
    [
      ["/bin/app.sh", "a 1", 2],
      ["/bin/app.sh", "a 1", "2"],
    ],
  ])("with exec %j, advertised, and its check no longer than its interval", async (exec, argv) => {
    const loaded = await accepted(alone({ ...web, exec, health: { ...health, interval: 7, exec } }));
    expect(loaded.deeds.commands.web?.argv).toEqual(argv);
    expect(loaded.deeds.commands["check.web"]?.argv).toEqual(argv);
    expect(jobOf(loaded, "web")).toMatchObject({
      timeout: UNLIMITED,
      restart: { limit: 0 },
      probes: [{ every: 7000, timeout: 7000, fallAfter: 5000 }],
    });
  });

  it("with preStart, preStop and postStop around it", async () => {
    const { plan } = await accepted({
      consul: "consul:8500",
      jobs: [
        { name: "preStart", exec: "x" },
        { ...web, when: { once: "exitSuccess", source: "preStart" } },
        { name: "preStop", exec: "x", when: { once: "stopping", source: "web" } },
        { name: "postStop", exec: "x", when: { once: "stopped", source: "web" } },
      ],
    });
    expect(plan.jobs.map(({ id, start }) => [id, start.on, start.times])).toEqual([
      ["preStart", { fact: "startup", source: "global" }, 1],
      ["web", { fact: "exitSuccess", source: "preStart" }, 1],
      ["preStop", { fact: "stopping", source: "web" }, 1],
      ["postStop", { fact: "stopped", source: "web" }, 1],
    ]);
    expect(plan.jobs[1]?.stop.order).toEqual(["hooks", "withdraw", "drain", "signal"]);
  });

  it.each<[object, number, number]>([
    [{ restarts: "unlimited" }, UNLIMITED, UNLIMITED],
    [{ when: { interval: "5s" } }, UNLIMITED, 5000],
    [{ when: { interval: "5s" }, timeout: "2s" }, UNLIMITED, 2000],
    [{ when: { interval: "5s" }, restarts: 3 }, 3, 5000],
    [{ restarts: "never" }, 0, UNLIMITED],
    [{ restarts: 0 }, 0, UNLIMITED],
    [{ restarts: "0" }, 0, UNLIMITED],
    [{ restarts: 1 }, 1, UNLIMITED],
    [{ restarts: "1" }, 1, UNLIMITED],
    [{ restarts: 1.2 }, 1, UNLIMITED],
    [{}, 0, UNLIMITED],
  ])("with %j: %d restarts, each run at most %d ms", async (more, limit, timeout) => {
    expect(await loadJob({ name: "task", ...more })).toMatchObject({ restart: { limit }, timeout });
  });

  it("with Consul's extras", async () => {
    const consul = { enableTagOverride: true, deregisterCriticalServiceAfter: "40m" };
    const { deeds } = await accepted(alone({ ...web, consul }));
    expect(deeds.services["web-HOST"]).toMatchObject(consul);
  });

  it.each(["passing", "warning", "critical"])("with the initial status %s", async (initial) => {
    expect((await loadJob({ ...web, initial_status: initial })).probes[0]?.service?.initial).toBe(initial);
  });

  it("with any initial status where it is not advertised", async () => {
    expect((await loadJob({ name: "task", initial_status: "nope" })).probes).toEqual([]);
  });

  it.each(["SIGHUP", "SIGUSR2"])("that starts at each %s", async (source) => {
    const { start } = await loadJob({ name: "task", when: { source } });
    expect([start.on, start.times]).toEqual([{ fact: "signal", source }, UNLIMITED]);
  });

  it.each(["myjob", "my job", "my_job", "-", "my%job"])("with the name %j and no port", async (name) => {
    expect((await loadJob({ name })).id).toBe(name);
  });
});

describe("a job is refused", () => {
  it.each<[string, object]>([
    ["name", { ...web, name: "" }],
    ["name", { name: "", exec: "x" }],
    ["name", { name: "", exec: "x", health }],
    ["name", { exec: "x", when: { interval: "1s" } }],
    ["name", { ...web, name: "my_web" }],
    ["port", { ...web, health: undefined }],
    ["health.ttl", { ...web, health: { exec: "x", interval: 1 } }],
    ["health.ttl", { ...web, health: { ...health, ttl: 0 } }],
    ["health.ttl", { ...web, health: { ...health, ttl: "xx" } }],
    ["health.interval", { ...web, health: { exec: "x", ttl: 1 } }],
    ["health.interval", { ...web, health: { ...health, interval: 0 } }],
    ["health.interval", { ...web, health: { ...health, interval: -1 } }],
    ["health.timeout", { ...web, health: { ...health, timeout: "xx" } }],
    ["health.exec", { ...web, health: { ...health, exec: "" } }],
    ["health.exec", { ...web, health: { ...health, exec: [] } }],
    ["initial_status", { ...web, initial_status: "nope" }],
    ["interfaces", { ...web, interfaces: ["eth0:inet5"] }],
    [
      "consul.enableTagOverride",
      { ...web, consul: { enableTagOverride: "nope", deregisterCriticalServiceAfter: "1m" } },
    ],
    ["consul.deregisterCriticalServiceAfter", { ...web, consul: { deregisterCriticalServiceAfter: "nope" } }],
    ["consul.deregisterCriticalServiceAfter", { ...web, consul: { enableTagOverride: true } }],
    ["consul.deregisterCriticalServiceAfter", { ...web, consul: { deregisterCriticalServiceAfter: 10 } }],
    ["when.interval", { name: "task", when: { interval: "-1s" } }],
    ["when.interval", { name: "task", when: { interval: "1ns" } }],
    ["when.interval", { name: "task", when: { interval: "xx" } }],
    ["when.timeout", { name: "task", when: { once: "healthy", source: "x", timeout: "xx" } }],
    ["when", { name: "task", when: { once: "healthy", each: "healthy", source: "x" } }],
    ["when", { name: "task", when: { once: "healthy", interval: "1s", source: "x" } }],
    ["when.once", { name: "task", when: { once: "nope", source: "x" } }],
    ["when.each", { name: "task", when: { each: "Healthy", source: "x" } }],
    ["timeout", { name: "task", timeout: "-1ms" }],
    ["timeout", { name: "task", timeout: "1ns" }],
    ["timeout", { name: "task", timeout: "xx" }],
    ["timeout", { name: "task", timeout: "0" }],
    ["stopTimeout", { name: "task", stopTimeout: "xx" }],
    ["exec", { name: "task", exec: "" }],
    ["exec", { name: "task", exec: [] }],
    ["exec", { name: "task", exec: {} }],
    ["restarts", { name: "task", restarts: "invalid" }],
    ["restarts", { name: "task", restarts: "-1" }],
    ["restarts", { name: "task", restarts: -1 }],
    ["restarts", { name: "task", restarts: true }],
    ["restarts", { name: "task", restarts: "unlimited", when: { each: "healthy", source: "x" } }],
    ["meta", { ...web, meta: { a: "b" } }],
    ["frequency", { name: "task", frequency: 1 }],
  ])("at %s: %j", async (key, job) => {
    expect(await refused(alone(job))).toContain(`jobs[0].${key}`);
  });
});

describe("a watch", () => {
  const watch = (given: object): object => ({ consul: "consul:8500", jobs: [], watches: [given] });

  it("is known by watch.NAME, with its tag and datacenter", async () => {
    const { plan, deeds } = await accepted(watch({ name: "upstreamA", interval: 11, tag: "dev", dc: "us-east" }));
    expect(plan.watches.map(({ id }) => id)).toEqual(["watch.upstreamA"]);
    expect(deeds.watches).toEqual({
      "watch.upstreamA": { name: "upstreamA", tag: "dev", dc: "us-east", poll: 11_000 },
    });
  });

  it.each<[string, object]>([
    ["name", { name: "", interval: 1 }],
    ["name", { interval: 1 }],
    ["name", { name: "my_watch", interval: 1 }],
    ["interval", { name: "myName" }],
    ["interval", { name: "myName", interval: 0 }],
    ["interval", { name: "myName", interval: "xx" }],
    ["onChange", { name: "myName", interval: 1, onChange: "true" }],
  ])("is refused at %s: %j", async (key, given) => {
    expect(await refused(watch(given))).toContain(`watches[0].${key}`);
  });
});

describe("telemetry", () => {
  const metric = { namespace: "telemetry", subsystem: "metrics", name: "cfg", help: "help", type: "counter" };
  const withMetric = (more: object): object => ({
    consul: "consul:8500",
    telemetry: { port: 8000, interfaces: ["inet", "lo"], metrics: [{ ...metric, ...more }] },
  });

  it.each(["counter", "gauge", "histogram", "summary"])("has metrics of the type %s", async (type) => {
    const { deeds } = await acceptedAny(withMetric({ type }), none);
    expect(deeds.telemetry?.metrics.telemetry_metrics_cfg).toEqual({
      name: "telemetry_metrics_cfg",
      help: "help",
      type,
    });
  });

  it.each<[object, string, string]>([
    [{ namespace: "" }, "metrics_cfg", "_metrics_cfg"],
    [{ subsystem: "" }, "telemetry_cfg", "telemetry__cfg"],
    [{ namespace: "", subsystem: "" }, "cfg", "__cfg"],
  ])("names a metric with %j %s, and takes values for %s", async (more, name, key) => {
    const { deeds } = await acceptedAny(withMetric(more), none);
    expect(Object.keys(deeds.telemetry?.metrics ?? {}).sort()).toEqual([name, key].sort());
    expect(deeds.telemetry?.metrics[key]?.name).toBe(name);
  });

  it.each<[string, object]>([
    ["metrics[0].type", { type: "nope" }],
    ["metrics[0].type", { type: "Counter" }],
    ["metrics[0].type", { type: undefined }],
    ["metrics[0].name", { name: "a.b" }],
    ["metrics[0].name", { name: "" }],
    ["metrics[0].name", { namespace: "containerpilot", subsystem: "", name: "events" }],
    ["metrics[0].help", { help: "" }],
  ])("is refused at %s: %j", async (key, more) => {
    expect(await refused(withMetric(more))).toContain(`telemetry.${key}`);
  });

  it.each<[string, object]>([
    ["interfaces", { interfaces: ["interface-that-is-not-there"] }],
    ["interfaces", { interfaces: "eth0" }],
    ["interfaces", { interfaces: ["!"] }],
    ["sensors", { metrics: [], sensors: [] }],
  ])("is refused at %s: %j", async (key, telemetry) => {
    expect(await refused({ consul: "consul:8500", jobs: [], telemetry })).toContain(`telemetry.${key}`);
  });

  it("alone is one job, with its address in a variable", async () => {
    const { plan, deeds } = await accepted({ consul: "consul:8500", jobs: [], telemetry: { port: 9090 } });
    expect(plan.jobs.map(({ id }) => id)).toEqual(["containerpilot"]);
    expect(deeds.environment).toEqual({ CONTAINERPILOT_CONTAINERPILOT_IP: "10.20.30.40" });
  });
});

describe("a whole file", () => {
  const file = `{
    consul: "consul:8500", stopTimeout: 5,
    jobs: [
      { name: 'serviceA', port: 8080, interfaces: "eth0", exec: "/bin/serviceA", when: { source: "preStart", once: "exitSuccess" },
        health: { exec: "/bin/healthA", interval: 19, ttl: 30 }, tags: ["tag1", "tag2"] },
      { name: "serviceB", port: 5000, interfaces: ["ethwe", "eth0"], health: { interval: "5", ttl: "103", exec: "/bin/healthB" } },
      { name: "coprocessC", exec: "/bin/coprocessC", restarts: "unlimited" },
      { name: "periodicTaskD", exec: "/bin/taskD", when: { interval: "1s" } },
      { name: "preStart", exec: "/bin/to/preStart.sh arg1 arg2" },
      { name: "preStop", exec: ["/bin/to/preStop.sh", "arg1"], when: { source: "serviceA", once: "stopping" } },
      { name: "postStop", exec: ["/bin/to/postStop.sh"], when: { source: "serviceA", once: "stopped" } },
      { name: "onChange-upstreamA", exec: "/bin/onChangeA.sh {{.TEST}}", when: { source: "watch.upstreamA", each: "changed" } },
      { name: "onChange-upstreamB", exec: "/bin/onChangeB.sh", when: { source: "watch.upstreamB", each: "healthy" } },
    ],
    watches: [{ name: "upstreamA", interval: 11, tag: "dev" }, { name: "upstream{{ .B }}", interval: 79 }],
    telemetry: { port: 9000, interfaces: ["inet"] },
  }`;

  it("gives ten jobs, telemetry's last, and two watches, names by the template too", async () => {
    const loaded = await acceptedAny(file, { ...none, env: { TEST: "HELLO", B: "B" } });
    expect(loaded.plan.jobs.map(({ id }) => id).slice(-2)).toEqual(["onChange-upstreamB", "containerpilot"]);
    expect(loaded.plan.jobs).toHaveLength(10);
    expect(loaded.deeds.services["containerpilot-HOST"]?.port).toBe(9000);
    expect(loaded.deeds.services["serviceB-HOST"]).toMatchObject({ ttl: 103_000, address: "10.20.30.40" });
    expect(loaded.deeds.services["serviceA-HOST"]?.tags).toEqual(["tag1", "tag2"]);
    expect(loaded.plan.watches.map(({ id }) => id)).toEqual(["watch.upstreamA", "watch.upstreamB"]);
    expect(loaded.deeds.watches["watch.upstreamA"]?.tag).toBe("dev");
    expect(loaded.deeds.commands["onChange-upstreamA"]?.argv).toEqual(["/bin/onChangeA.sh", "HELLO"]);
    expect(loaded.deeds.control).toBe("/var/run/containerpilot.socket");
  });

  it.each<[object, object]>([
    [{}, { level: "info", format: "default", output: "stdout", dialect: "v3" }],
    [
      { logging: { level: "DEBUG", format: "text", output: "stderr" } },
      { level: "debug", format: "text", output: "stderr", dialect: "v3" },
    ],
    [
      { logging: { level: "Warning", format: "JSON", output: "STDERR" } },
      { level: "warn", format: "json", output: "stderr", dialect: "v3" },
    ],
    [
      { logging: { level: "", format: "", output: "" } },
      { level: "info", format: "default", output: "stdout", dialect: "v3" },
    ],
    [
      { logging: { level: "panic", output: "/tmp/Log" } },
      { level: "panic", format: "default", output: "/tmp/Log", dialect: "v3" },
    ],
  ])("logs by %j", async (more, logging) => {
    expect((await accepted({ ...alone({ name: "a" }), ...more })).deeds.logging).toEqual(logging);
  });

  it.each<[object, number]>([
    [{}, 5000],
    [{ stopTimeout: 0 }, 5000],
    [{ stopTimeout: "7" }, 7000],
    [{ stopTimeout: -1 }, 0],
  ])("stops by %j: %d ms from TERM to KILL", async (more, grace) => {
    expect((await accepted({ ...alone({ name: "a" }), ...more })).plan.jobs[0]?.stop.grace).toBe(grace);
  });

  it.each<[string, object]>([
    ["logging.level", { logging: { level: "nope" } }],
    ["logging.format", { logging: { format: "nope" } }],
    ["logging.raw", { logging: { raw: true } }],
    ["control.socket", { control: { socket: "" } }],
    ["control.port", { control: { port: 1 } }],
    ["stopTimeout", { stopTimeout: "xx" }],
    ["Jobs", { Jobs: [] }],
    ["consul", { consul: true }],
  ])("is refused at %s: %j", async (key, more) => {
    expect(await refused({ ...alone({ name: "a" }), ...more })).toContain(key);
  });
});

describe("the catalog's address", () => {
  it.each<[unknown, object]>([
    ["https://consul:8501", { scheme: "https", address: "consul:8501" }],
    ["http://consul:8500", { scheme: "http", address: "consul:8500" }],
    ["consul:8500", { scheme: "http", address: "consul:8500" }],
    ["httpshttps://consul", { scheme: "http", address: "httpshttps://consul" }],
    ["https://https://consul", { scheme: "https", address: "https://consul" }],
    ["", { scheme: "http", address: "" }],
    [
      { address: "consul:8501", scheme: "https", token: "ec492475-9753-4ff0-9bae-a3b5ddde2c7a" },
      { scheme: "https", address: "consul:8501", token: "ec492475-9753-4ff0-9bae-a3b5ddde2c7a" },
    ],
  ])("%j", async (consul, expected) => {
    expect((await accepted({ consul, jobs: [] })).deeds.catalog).toEqual({ kind: "consul", ...expected });
  });
});

describe("what is no configuration", () => {
  it.each<[string, RegExp]>([
    ["<>", /:1:1 /],
    ['{ "consul": {{ .MISSING }} }', /:1:13 .*MISSING is not set/],
    ['{ "consul": "x" "jobs": [] }', /:1:17 /],
    ["[]", /an empty list at the top level/],
    ['{ "consul": "x", "jobs": [{{ .A.B }}] }', /:1:/],
  ])("%j is refused where it is wrong", async (text, at) => {
    expect(await refused(text)).toMatch(at);
  });

  it("is none at all, or a file that is not there", async () => {
    expect(await loadText("", none)).toMatchObject({ ok: false, exitCode: 78 });
    expect(await loadText("/no/such/file.json5", none)).toMatchObject({ ok: false, exitCode: 66 });
  });

  it("has seen the variable with the pid all the same", async () => {
    const { rendered } = await attemptLoad(request('{ jobs: [{ name: "{{ .CONTAINERPILOT_PID }}" ', none));
    expect(rendered).toBe('{ jobs: [{ name: "7" ');
  });

  it("may be a list where the original looks for one and ignores what else it finds", async () => {
    const loaded = await accepted({ consul: "c:1", jobs: {}, watches: "none" });
    expect([loaded.plan.jobs, loaded.plan.watches]).toEqual([[], []]);
    expect(loaded.warnings).toHaveLength(2);
  });

  it("may have any quotes around its keys, and comments with stars", async () => {
    expect((await accepted(`{ /* a * b / c */ 'consul': 'c:1', 'jobs': [{ 'name': 'a' }] }`)).plan.jobs).toHaveLength(
      1,
    );
  });
});

describe("interfaces", () => {
  const only = [
    { name: "lo", address: "127.0.0.1" },
    { name: "lo", address: "::1" },
  ];
  it.each<[string[], string | undefined]>([
    [["eth0:inet", "inet"], undefined],
    [["inet"], undefined],
    [["inet6"], undefined],
    [["lo"], "127.0.0.1"],
    [["inet", "lo"], "127.0.0.1"],
    [["interface-not-there"], undefined],
  ])("%j with nothing but the loopback: %s", (specs, address) => {
    expect(
      selectAddress(
        specs.map((spec) => parseSelector(spec) as never),
        only,
      ),
    ).toBe(address);
  });
});
