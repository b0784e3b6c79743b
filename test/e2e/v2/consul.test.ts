import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { consulAgent, describeContainers, run, type Server } from "../harness.ts";
import { app, type ConsulRow, passing, reload, sh, soon, times } from "./stage.ts";

const consul = { consul: "127.0.0.1:8500" };
const web = { name: "web", port: 8000, poll: 1, ttl: 5, interfaces: "lo" };

/** A small web server on `port` of its network; its container is ready when it answers. */
const server = (port: number, text: string): string[] => [
  process.execPath,
  "-e",
  `require("node:http").createServer((q, a) => a.end(${JSON.stringify(text)} + q.url)).listen(${port}, "127.0.0.1")`,
];

const ids = async (agent: Server, name: string): Promise<string[]> =>
  (await passing(agent, name)).map(({ Service }) => Service.ID).sort();

describeContainers("with Consul", () => {
  it("a front renders its upstreams from the applications that are there, and serves through them", async () => {
    const agent = await consulAgent();
    const { net } = agent;
    const start = (name: string, port: number) =>
      run({
        config: { ...consul, services: [{ ...web, name: "app", port, health: sh("test -e up") }] },
        files: { up: "" },
        hostname: name,
        net,
        words: server(port, name),
        timeoutMs: 40_000,
      });
    const one = await start("one", 8001);
    const render = `const { get } = require("node:http");
get("http://127.0.0.1:8500/v1/health/service/app?passing=1", (answer) => {
  let text = "";
  answer.on("data", (part) => (text += part));
  answer.on("end", () => {
    const ports = JSON.parse(text).map(({ Service }) => Service.Port).sort();
    require("node:fs").writeFileSync("upstreams", ports.join(" "));
    console.log("rendered", ports.join(" "));
  });
});`;
    const front = await run({
      config: {
        ...consul,
        preStart: sh('test "$CONTAINERPILOT_PID" = 1'),
        services: [{ ...web, name: "front", port: 8080, health: "true" }],
        backends: [{ name: "app", poll: 7, onChange: [process.execPath, "render.cjs"] }],
      },
      files: { "render.cjs": render },
      hostname: "front",
      net,
      words: [
        process.execPath,
        "-e",
        `const { createServer, get } = require("node:http");
createServer((q, a) => {
  const port = require("node:fs").readFileSync("upstreams", "utf8").split(" ")[0];
  get({ host: "127.0.0.1", port, path: q.url }, (from) => from.pipe(a)).on("error", () => { a.statusCode = 502; a.end(); });
}).listen(8080, "127.0.0.1");`,
      ],
      timeoutMs: 40_000,
    });
    await front.waitFor(/rendered 8001\n/);
    await soon(async () => expect(await ids(agent, "front")).toEqual(["front-front"]));
    await soon(async () => expect((await net.http(8080, "/app/")).body).toBe("one/app/"));
    const two = await start("two", 8002);
    await front.waitFor(/rendered 8001 8002\n/);
    one.signal("SIGTERM");
    await one.exit;
    await front.waitFor(/rendered 8002\n/);
    await soon(async () => expect((await net.http(8080, "/app/")).body).toBe("two/app/"));
    two.signal("SIGTERM");
    await two.exit;
    await front.waitFor(/rendered \n/);
    front.signal("SIGTERM");
    await front.exit;
    expect(await ids(agent, "front")).toEqual([]);
  });

  it("TERM leaves no passing instance, and neither does the end of the application", async () => {
    const agent = await consulAgent();
    const config = { ...consul, services: [web] };
    const asked = await run({ config, hostname: "asked", net: agent.net, words: app });
    const ends = await run({
      config,
      hostname: "ends",
      net: agent.net,
      words: sh("while [ ! -e go ]; do sleep 0.1; done"),
    });
    await soon(async () => expect(await ids(agent, "web")).toEqual(["web-asked", "web-ends"]));
    asked.signal("SIGTERM");
    expect(await asked.exit).toEqual({ code: 3 });
    expect(await ids(agent, "web")).toEqual(["web-ends"]);
    await ends.inside("touch", join(ends.folder, "go"));
    expect(await ends.exit).toEqual({ code: 0 });
    expect(await agent.json("/v1/agent/services")).toEqual({});
  });

  it("HUP and USR1 from within preStart are done before the application is healthy", async () => {
    const agent = await consulAgent();
    const broken = { ...consul, services: [{ ...web, name: "app", health: "no-such-check" }] };
    const preStart = sh(
      `until [ -e leader ]; do sleep 0.1; done; cp good.json config.json; kill -HUP 1; kill -USR1 1; sleep 0.3`,
    );
    const good = { ...broken, preStart, services: [{ ...web, name: "app", health: "true" }] };
    const box = await run({
      config: { ...broken, preStart },
      files: { "good.json": JSON.stringify(good), leader: "" },
      hostname: "box",
      net: agent.net,
      words: app,
    });
    await box.waitFor(/ready/);
    await sleep(1000);
    expect(await ids(agent, "app")).toEqual([]);
    box.signal("SIGUSR1");
    await soon(async () => expect(await ids(agent, "app")).toEqual(["app-box"]));
    await box.kill();
  });

  it("many HUPs leave exactly one passing instance, and were never a gap", async () => {
    const agent = await consulAgent();
    const box = await run({ config: { ...consul, services: [web] }, hostname: "box", net: agent.net, words: app });
    await soon(async () => expect(await ids(agent, "web")).toEqual(["web-box"]));
    for (let count = 0; count < 30; count += 1) {
      box.signal("SIGHUP");
      await sleep(Math.random() * 30);
      if (count % 10 === 0) expect(await ids(agent, "web")).toEqual(["web-box"]);
    }
    await reload(box, { ...consul, services: [web], preStop: "true" });
    await sleep(300);
    expect(await ids(agent, "web")).toEqual(["web-box"]);
    expect(times(box, /Deregistering/g)).toBe(0);
    await box.kill();
  });

  it("a failing check stays passing for the ttl, then it is critical with the check's words", async () => {
    const agent = await consulAgent();
    const service = { ...web, ttl: 3, health: sh("[ ! -e sick ] || { echo why it is sick; exit 1; }") };
    const box = await run({ config: { ...consul, services: [service] }, hostname: "box", net: agent.net, words: app });
    await soon(async () => expect(await ids(agent, "web")).toEqual(["web-box"]));
    await box.inside("touch", join(box.folder, "sick"));
    await box.waitFor(/web\.health failed: exit status 1: why it is sick\n/);
    expect(await ids(agent, "web")).toEqual(["web-box"]);
    await soon(async () => {
      const [row] = await agent.json<ConsulRow[]>("/v1/health/service/web");
      const check = row?.Checks.find(({ CheckID }) => CheckID === "web-box");
      expect(check).toMatchObject({ Status: "critical", Output: expect.stringContaining("why it is sick") });
    });
    await box.inside("rm", join(box.folder, "sick"));
    await soon(async () => expect(await ids(agent, "web")).toEqual(["web-box"]));
    await box.kill();
  });

  it("that is down at the start, the application runs; it registers when Consul comes, and again when it forgot", async () => {
    const agent = await consulAgent();
    await agent.kill();
    const box = await run({
      config: { ...consul, services: [web], backends: [{ name: "web", poll: 1, onChange: "echo changed" }] },
      hostname: "box",
      net: agent.net,
      words: app,
      timeoutMs: 40_000,
    });
    await box.waitFor(/ready/);
    await box.waitFor(/Service registration failed: /);
    await agent.start();
    await soon(async () => expect(await ids(agent, "web")).toEqual(["web-box"]));
    await box.waitFor(/Service registered: web\n/);
    await box.waitFor(/ changed\n/);
    await agent.http("/v1/agent/service/deregister/web-box", { method: "PUT" });
    await box.waitFor(/Service not registered: .*500/);
    await soon(async () => expect(await ids(agent, "web")).toEqual(["web-box"]));
    expect(times(box, /Service registration failed/g)).toBe(1);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("that hangs, a stop is put off by two seconds at most, and keeps the application's code", async () => {
    const agent = await consulAgent();
    const box = await run({ config: { ...consul, services: [web] }, hostname: "box", net: agent.net, words: app });
    await soon(async () => expect(await ids(agent, "web")).toEqual(["web-box"]));
    agent.pause();
    box.signal("SIGTERM");
    const asked = Date.now();
    expect(await box.exit).toEqual({ code: 3 });
    expect(Date.now() - asked).toBeLessThan(6000);
    expect(box.stdout).toContain("got TERM");
    expect(box.output).toMatch(/Deregistering failed: /);
    agent.resume();
  });

  it("a restart or a reload with another address, port, tags or ttl replaces the entry and its check", async () => {
    const agent = await consulAgent();
    const entry = async (): Promise<ConsulRow | undefined> => (await passing(agent, "web"))[0];
    const config = (port: number, more: object = {}) => ({ ...consul, services: [{ ...web, port, ...more }] });
    const first = await run({ config: config(8001), hostname: "box", net: agent.net, words: app });
    await soon(async () => expect((await entry())?.Service.Port).toBe(8001));
    await first.kill();
    const more = { interfaces: "static:10.9.9.9", tags: ["blue"], consul: { enableTagOverride: true } };
    const second = await run({ config: config(8002, more), hostname: "box", net: agent.net, words: app });
    await soon(async () =>
      expect((await entry())?.Service).toMatchObject({
        ...{ Port: 8002, Address: "10.9.9.9", Tags: ["blue"], EnableTagOverride: true },
      }),
    );
    await reload(second, config(8003, { tags: ["green"], ttl: 9 }));
    await soon(async () => expect((await entry())?.Service).toMatchObject({ Port: 8003, Tags: ["green"] }));
    expect(await ids(agent, "web")).toEqual(["web-box"]);
    await second.kill();
  });

  it("a reload that names another one moves services and watches there, and takes them out of the first", async () => {
    const agents = await Promise.all([consulAgent(), consulAgent()]);
    const [from, to] = agents as [Server, Server];
    // The second agent's port, seen from the first one's network.
    const bridge = `require("node:net").createServer((a) => { const b = require("node:net").connect(${JSON.stringify(await to.net.reach(8500))}); a.pipe(b).pipe(a); a.on("error", () => b.destroy()); b.on("error", () => a.destroy()); }).listen(18500, "127.0.0.1")`;
    const config = (port: number) => ({
      consul: `127.0.0.1:${port}`,
      services: [web],
      backends: [{ name: "other", poll: 1, onChange: "echo changed" }],
      coprocesses: [{ name: "bridge", command: [process.execPath, "-e", bridge] }],
    });
    const box = await run({ config: config(8500), hostname: "box", net: from.net, words: app, timeoutMs: 40_000 });
    await soon(async () => expect(await ids(from, "web")).toEqual(["web-box"]));
    await reload(box, config(18500));
    await soon(async () => expect(await ids(to, "web")).toEqual(["web-box"]));
    await soon(async () => expect(await ids(from, "web")).toEqual([]));
    const body = { ID: "other-1", Name: "other", Port: 1, Address: "10.0.0.9" };
    await from.json("/v1/agent/service/register", { ...body, ID: "other-0" });
    await sleep(500);
    expect(box.output).not.toMatch(/ changed\n/);
    await to.json("/v1/agent/service/register", body);
    await box.waitFor(/ changed\n/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(await ids(to, "web")).toEqual([]);
  });
});

describeContainers("backends in Consul", () => {
  const put = (agent: Server, id: string, port: number, tags: string[]) =>
    agent.json("/v1/agent/service/register", { ID: id, Name: "db", Port: port, Address: "10.0.0.1", Tags: tags });

  it("of one name with two tags are told apart; tags alone do not count, address and port do, both events of two run", async () => {
    const agent = await consulAgent();
    await put(agent, "db-1", 1, ["primary"]);
    const backend = (tag: string, word: string) => ({ name: "db", tag, poll: 1, onChange: ["echo", word] });
    const box = await run({
      config: { ...consul, backends: [backend("primary", "changed-p"), backend("replica", "changed-r")] },
      net: agent.net,
      words: app,
    });
    const counts = () => [times(box, / changed-p$/gm), times(box, / changed-r$/gm)];
    await soon(() => expect(counts()).toEqual([1, 0]));
    await put(agent, "db-1", 1, ["primary", "more"]);
    await sleep(1200);
    expect(counts()).toEqual([1, 0]);
    await put(agent, "db-1", 2, ["primary"]);
    await soon(() => expect(counts()).toEqual([2, 0]));
    await put(agent, "db-2", 2, ["replica"]);
    await soon(() => expect(counts()).toEqual([2, 1]));
    await agent.http("/v1/agent/service/deregister/db-1", { method: "PUT" });
    await soon(() => expect(counts()).toEqual([3, 1]));
    await sleep(1200);
    expect(counts()).toEqual([3, 1]);
    await box.kill();
  });

  it("a failing onChange is told and not repeated; one over its time is killed", async () => {
    const agent = await consulAgent();
    await put(agent, "db-1", 1, []);
    const backends = [
      { name: "db", poll: 1, onChange: sh("echo no good; exit 4") },
      { name: "db", poll: 1, onChange: "sleep 10", timeout: 1 },
    ];
    const box = await run({ config: { ...consul, backends }, net: agent.net, words: app });
    await box.waitFor(/db\.onChange failed: exit status 4: no good\n/);
    await box.waitFor(/db\.onChange timeout after 1: '\[10\]'\n[^\n]*killing command for db\.onChange\n/);
    await sleep(1200);
    expect(times(box, /\d no good$/gm)).toBe(1);
    await box.kill();
  });

  it("wait with their first event until the application is healthy, or one poll", async () => {
    const agent = await consulAgent();
    await put(agent, "db-1", 1, []);
    const config = (poll: number) => ({
      ...consul,
      services: [{ ...web, health: sh("[ -e healthy ]") }],
      backends: [{ name: "db", poll, onChange: sh("[ -e healthy ] && echo healthy; echo changed") }],
    });
    const [holds, tires] = await Promise.all(
      [60, 2].map((poll) => run({ config: config(poll), hostname: `box${poll}`, net: agent.net, words: app })),
    );
    if (holds === undefined || tires === undefined) throw new Error("two were started");
    await tires.waitFor(/ changed\n/);
    expect(tires.output).not.toMatch(/ healthy\n/);
    expect(holds.output).not.toMatch(/ changed\n/);
    await holds.inside("touch", join(holds.folder, "healthy"));
    await holds.waitFor(/ healthy\n[^\n]* changed\n/);
    await Promise.all([holds.kill(), tires.kill()]);
  });
});
