import { expect, test } from "vitest";
import { openConsul } from "../../../src/catalog/consul.ts";
import { ConsulAgent } from "./consul-agent.ts";
import { serviceOf } from "./contract.ts";
import { AgentProxy, type Asked } from "./proxy.ts";
import { Stage } from "./stage.ts";
import { sleep, until } from "./wait.ts";

const shape = ({ method, url, body }: Asked): unknown[] => [method, url, body === "" ? undefined : JSON.parse(body)];

async function recorded(): Promise<{ agent: ConsulAgent; proxy: AgentProxy; stage: Stage; shapes: () => unknown[][] }> {
  const agent = await ConsulAgent.start();
  const proxy = await AgentProxy.start(agent.port);
  const stage = new Stage(openConsul({ kind: "consul", address: proxy.address }, {}));
  return { agent, proxy, stage, shapes: () => proxy.asked.splice(0).map(shape) };
}

const service = serviceOf("web-host", {
  tags: ["blue", "v2"],
  ttl: 5_000,
  enableTagOverride: true,
  deregisterCriticalServiceAfter: "10m",
});

test("register, renew, tell a status, find again what was lost, deregister: the requests of ContainerPilot 2.7.8", async () => {
  const { agent, stage, shapes } = await recorded();
  const registering = [
    [
      "PUT",
      "/v1/agent/service/register",
      {
        ID: "web-host",
        Name: "web",
        Tags: ["blue", "v2"],
        Port: 8000,
        Address: "10.0.0.1",
        EnableTagOverride: true,
        Check: null,
        Checks: null,
      },
    ],
    [
      "PUT",
      "/v1/agent/check/register",
      {
        ID: "web-host",
        Name: "web-host",
        Notes: "TTL for web set by containerpilot",
        ServiceID: "web-host",
        TTL: "5s",
        DeregisterCriticalServiceAfter: "10m",
        Status: "passing",
      },
    ],
    ["PUT", "/v1/agent/check/pass/web-host?note=ok", undefined],
  ];
  const pass = registering[2];
  await stage.announced(service);
  expect(shapes()).toEqual(registering);
  await stage.announced(service);
  expect(shapes()).toEqual([pass]);
  await stage.announced(service, "warning");
  expect(shapes()).toEqual([["PUT", "/v1/agent/check/update/web-host", { Status: "warning", Output: "" }]]);
  await agent.json("/v1/agent/service/deregister/web-host", "PUT");
  await stage.announced(service);
  expect(shapes()).toEqual([pass, ...registering]);
  await stage.withdraw(service);
  expect(shapes()).toEqual([["PUT", "/v1/agent/service/deregister/web-host", undefined]]);
  expect(stage.lines()).toEqual([
    "info Service registered: web",
    expect.stringMatching(
      /^info Service not registered: PUT http:\S+\/v1\/agent\/check\/pass\/web-host\?note=ok: Unexpected response code: 500 \(CheckID "web-host" does not have associated TTL\)$/,
    ),
    "info Service registered: web",
  ]);
});

test("what is empty is left out", async () => {
  const { stage, shapes } = await recorded();
  await stage.announced(serviceOf("web-host", { address: "", port: 0 }));
  expect(shapes()[0]).toEqual([
    "PUT",
    "/v1/agent/service/register",
    { ID: "web-host", Name: "web", Check: null, Checks: null },
  ]);
});

test("Consul keeps every field", async () => {
  const { agent, stage } = await recorded();
  await stage.announced({ ...service, meta: { version: "1.2" } });
  expect(await agent.json("/v1/agent/service/web-host")).toMatchObject({
    ID: "web-host",
    Service: "web",
    Tags: ["blue", "v2"],
    Port: 8000,
    Address: "10.0.0.1",
    EnableTagOverride: true,
    Meta: { version: "1.2" },
  });
  expect(await agent.json("/v1/agent/checks")).toMatchObject({
    "web-host": { Name: "web-host", Status: "passing", Output: "ok", ServiceID: "web-host", Type: "ttl" },
  });
});

test("a query: passing only, tag and datacenter, then blocking 30 s whatever the poll interval", async () => {
  const { proxy, stage } = await recorded();
  stage.session.watch("a", { name: "db", tag: "primary", dc: "dc1", poll: 1_000 });
  await stage.watched("a", "");
  await until(
    "the second query",
    () => proxy.asked.length,
    (count) => count === 2,
  );
  expect(proxy.asked.map(({ url }) => url.replace(/index=\d+/, "index=N"))).toEqual([
    "/v1/health/service/db?passing=1&tag=primary&dc=dc1",
    "/v1/health/service/db?passing=1&tag=primary&dc=dc1&index=N&wait=30s",
  ]);
});

test("idle, ten watches ask nothing: each has one query that blocks", async () => {
  const { proxy, stage } = await recorded();
  for (let n = 0; n < 10; n += 1) {
    stage.session.watch(`twice.${n}`, { name: `db-${n}`, poll: 1_000 });
    stage.session.watch(`again.${n}`, { name: `db-${n}`, poll: 1_000 });
  }
  await until(
    "two queries each",
    () => proxy.asked.length,
    (count) => count >= 20,
  );
  // A fresh agent still changes what all queries wait for.
  let settled = 0;
  while (settled !== proxy.asked.length) {
    settled = proxy.asked.length;
    await sleep(1_000);
  }
  await sleep(5_000);
  expect(proxy.asked).toHaveLength(settled);
  expect(proxy.connections).toBe(10);
});

test("heartbeats use one connection, and one that the agent closed meanwhile is no failure", async () => {
  const { proxy, stage } = await recorded();
  for (let n = 0; n < 20; n += 1) expect(await stage.announced(service)).toBe(true);
  expect(proxy.connections).toBe(1);
  proxy.cut();
  expect(await stage.announced(service)).toBe(true);
  let closed = 0;
  proxy.fault = ({ url }, response) => {
    if (!url.includes("/check/pass/") || closed > 0) return false;
    closed += 1;
    response.socket?.resetAndDestroy();
    return true;
  };
  expect(await stage.announced(service)).toBe(true);
  expect(closed).toBe(1);
  expect(stage.lines()).toEqual(["info Service registered: web"]);
});

test("a service of the same id with another check, from an earlier life, gets the new check", async () => {
  const { agent, stage } = await recorded();
  const earlier = new Stage(openConsul({ kind: "consul", address: agent.address }, {}));
  await earlier.announced(serviceOf("web-host", { ttl: 600_000 }));
  await stage.announced(serviceOf("web-host", { ttl: 1_000 }));
  await until(
    "the check ends by the new TTL",
    () => agent.json<Record<string, { Status: string; Output: string }>>("/v1/agent/checks"),
    (checks) => checks["web-host"]?.Status === "critical",
    5_000,
  );
});

test("the token goes with every request and into no message", async () => {
  const { agent, proxy } = await recorded();
  const settings = { kind: "consul", address: proxy.address, token: "s3cret" } as const;
  const stage = new Stage(openConsul(settings, {}));
  stage.session.watch("a", { name: "web", poll: 1_000 });
  await stage.announced(service);
  await stage.watched("a", "web-host");
  await agent.kill();
  await stage.announced(service);
  await stage.withdraw(service);
  expect(new Set(proxy.asked.map(({ headers }) => headers["x-consul-token"]))).toEqual(new Set(["s3cret"]));
  expect(stage.lines().length).toBeGreaterThan(1);
  expect(JSON.stringify(stage.logged)).not.toContain("s3cret");
});

test("a service that brings its check along: the requests of ContainerPilot 3.8.0", async () => {
  const { agent, stage, shapes } = await recorded();
  const job = serviceOf("job-host", { ttl: 5_000, deregisterCriticalServiceAfter: "10m", checkEmbedded: true });
  const registered = (Status: string): unknown[] => [
    "PUT",
    "/v1/agent/service/register",
    {
      ...{ ID: "job-host", Name: "web", Port: 8000, Address: "10.0.0.1", Checks: null },
      Check: { Notes: "TTL for web set by containerpilot", TTL: "5s", DeregisterCriticalServiceAfter: "10m", Status },
    },
  ];
  const beat = ["PUT", "/v1/agent/check/update/service:job-host", { Status: "passing", Output: "" }];
  await stage.announced(job);
  expect(shapes()).toEqual([registered("passing"), beat]);
  await stage.announced(job);
  expect(shapes()).toEqual([beat]);
  expect((await agent.json<Record<string, { Status: string }>>("/v1/agent/checks"))["service:job-host"]?.Status).toBe(
    "passing",
  );
  await stage.withdraw(job);
  expect(shapes()).toEqual([["PUT", "/v1/agent/service/deregister/job-host", undefined]]);
});
