import type { ServerResponse } from "node:http";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openConsul } from "../../../src/catalog/consul.ts";
import { ConsulHttp } from "../../../src/catalog/consul-http.ts";
import { targetOf } from "../../../src/catalog/consul-target.ts";
import { cleanUp } from "../harness/cleanup.ts";
import { ConsulAgent } from "./consul-agent.ts";
import { serviceOf } from "./contract.ts";
import { AgentProxy } from "./proxy.ts";
import { Stage } from "./stage.ts";
import { sleep, until } from "./wait.ts";

const web = serviceOf("web-host", { ttl: 2_000 });
const watched = { name: "db", poll: 1_000 };
const ends = expect.stringMatching(/^info The catalog answers again after \d+ s$/);

/** Somebody else's instance, without a check: it passes as long as the agent knows it. */
function database(agent: ConsulAgent, n: number): Promise<void> {
  return agent.json("/v1/agent/service/register", "PUT", { ID: `db-${n}`, Name: "db", Address: "10.1.0.1", Port: n });
}

describe("a real agent", () => {
  test("that is killed and comes back empty: registered again by itself, two lines in all", async () => {
    const agent = await ConsulAgent.start();
    const stage = new Stage(openConsul({ kind: "consul", address: agent.address }, {}));
    await database(agent, 1);
    stage.session.watch("watch.db", watched);
    stage.beat(web, 500);
    await stage.watched("watch.db", "db-1");
    await stage.line("Service registered");
    await agent.kill();
    await sleep(2_000);
    expect(stage.lists("watch.db")).toEqual(["db-1"]);
    await agent.start();
    const back = performance.now();
    await until(
      "registered again",
      () => agent.json<object>("/v1/agent/services"),
      (all) => "web-host" in all,
    );
    await database(agent, 2);
    await stage.watched("watch.db", "db-2");
    expect(performance.now() - back).toBeLessThan(3_000);
    await stage.line("answers again");
    const lines = stage.lines();
    expect(lines.filter((line) => line.startsWith("warn"))).toEqual([expect.stringMatching(/ECONNREFUSED|ECONNRESET/)]);
    expect(lines.filter((line) => line.includes("answers again"))).toEqual([ends]);
    expect(lines.filter((line) => line === "info Service registered: web")).toHaveLength(2);
    expect(lines.length).toBeLessThanOrEqual(5);
  });

  test("that is empty again between two heartbeats: no outage, registered at the next", async () => {
    const agent = await ConsulAgent.start();
    const stage = new Stage(openConsul({ kind: "consul", address: agent.address }, {}));
    await stage.announced(web);
    await agent.kill();
    await agent.start();
    expect(await stage.announced(web)).toBe(true);
    expect(stage.lines()).toEqual([
      "info Service registered: web",
      expect.stringContaining("info Service not registered: "),
      "info Service registered: web",
    ]);
  });

  test("that stands still: calls and the stop are bounded, all goes on when it does", async () => {
    const agent = await ConsulAgent.start();
    const stage = new Stage(openConsul({ kind: "consul", address: agent.address }, {}));
    await database(agent, 1);
    stage.session.watch("watch.db", watched);
    stage.beat(web, 500);
    await stage.watched("watch.db", "db-1");
    await stage.line("Service registered");
    await agent.pause();
    await stage.line("no answer within", 6_000);
    await sleep(1_000);
    agent.resume();
    const back = performance.now();
    await stage.line("answers again");
    expect(performance.now() - back).toBeLessThan(3_000);
    await database(agent, 2);
    await stage.watched("watch.db", "db-1,db-2");
    expect(stage.lists("watch.db")).toEqual(["db-1", "db-1,db-2"]);
    expect(stage.lines().filter((line) => line.startsWith("warn"))).toHaveLength(1);
    await agent.pause();
    const { ok, ms } = await stage.withdraw(web);
    expect(ok).toBe(false);
    expect(ms).toBeLessThan(2 * 2_000 + 500);
    expect(stage.lines().at(-1)).toMatch(/^warn Deregistering failed: .*no answer within 2000 ms$/);
    agent.resume();
    await until(
      "taken out after all",
      () => agent.json<object>("/v1/agent/services"),
      (all) => !("web-host" in all),
    );
  });

  test("that is not there at the start: one line, and registered soon after it came", async () => {
    const agent = await ConsulAgent.prepare();
    const stage = new Stage(openConsul({ kind: "consul", address: agent.address }, {}));
    stage.session.watch("watch.db", watched);
    stage.beat(web, 1_000);
    await sleep(2_000);
    expect(stage.lines()).toEqual([expect.stringContaining("ECONNREFUSED")]);
    await agent.start();
    await stage.watched("watch.db", "", 3_000);
    await until(
      "registered",
      () => agent.json<object>("/v1/agent/services"),
      (all) => "web-host" in all,
      3_000,
    );
  });

  test("that is killed: the stop takes no time, and says that it could not", async () => {
    const agent = await ConsulAgent.start();
    const stage = new Stage(openConsul({ kind: "consul", address: agent.address }, {}));
    await stage.announced(web);
    await agent.kill();
    const { ok, ms } = await stage.withdraw(web);
    expect(ok).toBe(false);
    expect(ms).toBeLessThan(1_000);
    expect(stage.lines().at(-1)).toMatch(/^warn Deregistering failed: PUT http:.*ECONNREFUSED/);
  });
});

describe("behind a proxy", () => {
  let agent: ConsulAgent;
  let proxy: AgentProxy;
  let stage: Stage;
  beforeAll(async () => {
    agent = await ConsulAgent.start();
  });
  beforeEach(async () => {
    for (const id of ["db-1", "db-2", "web-host"]) await agent.json(`/v1/agent/service/deregister/${id}`, "PUT");
    proxy = await AgentProxy.start(agent.port);
    stage = new Stage(openConsul({ kind: "consul", address: proxy.address }, {}));
    await database(agent, 1);
  });

  const json = { "content-type": "application/json", "x-consul-index": "77" };
  const half = '[{"Node":{"Address":"10.1.0.1"},"Service":{"ID":"db-1","Serv';
  function drip(response: ServerResponse): void {
    response.writeHead(200, json);
    const timer = setInterval(() => response.write("["), 1_000);
    response.once("close", () => clearInterval(timer));
  }
  const faults: Record<string, { spoil: (response: ServerResponse) => void; says: RegExp }> = {
    "a reset before the answer": { spoil: (response) => void response.socket?.resetAndDestroy(), says: /ECONNRESET/ },
    "a connection that is closed without an answer": {
      spoil: (response) => void response.socket?.destroy(),
      says: /socket hang up/,
    },
    "a reset in the middle of the body": {
      spoil(response) {
        response.writeHead(200, { ...json, "content-length": 1_000 });
        response.write(half, () => response.socket?.resetAndDestroy());
      },
      says: /closed in the middle of the answer/,
    },
    "a body that is cut off": {
      spoil(response) {
        response.writeHead(200, { ...json, "content-length": 1_000 });
        response.write(half, () => response.socket?.end());
      },
      says: /closed in the middle of the answer/,
    },
    "a body that ends too early and says nothing of it": {
      spoil: (response) => void response.writeHead(200, json).end(half),
      says: /not JSON|answers? again|Service registered/,
    },
    "one byte a second": { spoil: drip, says: /no answer within|did not end within/ },
    silence: { spoil: () => {}, says: /no answer within \d+ ms/ },
    "status 500": {
      spoil: (response) => void response.writeHead(500, { "content-type": "text/plain" }).end("No cluster leader"),
      says: /Unexpected response code: 500 \(No cluster leader\)/,
    },
    "status 503": { spoil: (response) => void response.writeHead(503).end(), says: /response code: 503 \(\)/ },
    "status 429": { spoil: (response) => void response.writeHead(429).end("slow down"), says: /429 \(slow down\)/ },
    "status 403": {
      spoil: (response) => void response.writeHead(403).end("Permission denied"),
      says: /Unexpected response code: 403 \(Permission denied\)/,
    },
    "a redirect": {
      spoil: (response) => void response.writeHead(301, { location: "/ui/" }).end(),
      says: /Unexpected response code: 301/,
    },
  };

  test.each(Object.entries(faults))("%s: told once, not asked often, healed by itself", async (_, { spoil, says }) => {
    stage.session.watch("watch.db", watched);
    stage.beat(web, 500);
    await stage.watched("watch.db", "db-1");
    await stage.line("Service registered");
    const before = stage.lines().length;
    proxy.fault = (_asked, response) => {
      spoil(response);
      return true;
    };
    proxy.cut();
    const asked = proxy.asked.length;
    await sleep(1_600);
    const [queries, calls] = ["/health/", "/agent/"].map(
      (path) => proxy.asked.slice(asked).filter(({ url }) => url.includes(path)).length,
    ) as [number, number];
    expect(queries).toBeLessThanOrEqual(12);
    expect(calls).toBeLessThanOrEqual(60);
    expect(stage.lists("watch.db")).toEqual(["db-1"]);
    const lines = stage.lines().slice(before);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(2);
    expect(lines[0]).toMatch(says);
    proxy.fault = undefined;
    await database(agent, 2);
    await stage.watched("watch.db", "db-1,db-2", 8_000);
    await until(
      "renewed",
      () => stage.told.at(-1),
      (event) => event?.t === "announced" && event.ok,
    );
    const after = stage.lines().slice(before + lines.length);
    expect(after.filter((line) => line.startsWith("warn"))).toEqual([]);
    expect(after.length).toBeLessThanOrEqual(5);
  });

  test("the answer to a query that began and drips is given up, however long the query may wait", async () => {
    proxy.fault = (_, response) => {
      drip(response);
      return true;
    };
    const http = new ConsulHttp(targetOf({ kind: "consul", address: proxy.address }, {}));
    cleanUp(() => http.close());
    const began = performance.now();
    const call = {
      method: "GET",
      path: "/health/service/db",
      timeoutMs: 60_000,
      bodyMs: 1_500,
      lane: "watch",
    } as const;
    await expect(http.call(call)).rejects.toMatchObject({ message: /the answer did not end within 1500 ms$/ });
    expect(performance.now() - began).toBeLessThan(3_000);
    await until(
      "the connection is gone",
      () => proxy.connections,
      (count) => count === 0,
    );
  });

  test("HTML instead of JSON: told with its beginning, the list stays", async () => {
    stage.session.watch("watch.db", watched);
    await stage.watched("watch.db", "db-1");
    proxy.fault = (_, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<!DOCTYPE html>\n<title>Log in</title>");
      return true;
    };
    proxy.cut();
    await stage.line("the answer for db is not JSON: <!DOCTYPE html> <title>Log in</title>");
    expect(stage.lists("watch.db")).toEqual(["db-1"]);
    proxy.fault = undefined;
    await stage.line("The catalog accepts queries for db again");
  });

  test.each(["{}", "null", '"x"', "7"])("JSON that is no list (%s) is refused", async (body) => {
    proxy.fault = (_, response) => {
      response.writeHead(200, json).end(body);
      return true;
    };
    stage.session.watch("watch.db", watched);
    await stage.line("the answer for db is not a list");
  });

  test("rows that are none are left out", async () => {
    proxy.spoil = (_, whole, response) => {
      const rows = [null, 7, {}, { Service: null }, { Service: { ID: 5 } }, ...JSON.parse(whole)];
      response.end(JSON.stringify(rows));
      return true;
    };
    stage.session.watch("watch.db", watched);
    await stage.watched("watch.db", "db-1");
  });

  test("an answer beyond every measure is given up, not kept", async () => {
    proxy.fault = ({ url }, response) => {
      if (!url.includes("/health/")) return false;
      response.writeHead(200, json);
      const chunk = Buffer.alloc(1024 * 1024, "[");
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        response.once("drain", more);
      };
      more();
      return true;
    };
    const before = process.memoryUsage().rss;
    stage.session.watch("watch.db", watched);
    await stage.line("the answer is larger than 33554432 bytes");
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
  });

  test("an index that goes backwards, or stands still, or is missing: the list is right, not asked often", async () => {
    stage.session.watch("watch.db", watched);
    await stage.watched("watch.db", "db-1");
    const indexes = ["5", "4", "4", "4", "-1", "none", ""];
    let at = 0;
    proxy.spoil = ({ url }, _, response) => {
      if (!url.includes("/health/")) return false;
      at += 1;
      response.setHeader("x-consul-index", indexes[at % indexes.length] ?? "");
      return false;
    };
    proxy.cut();
    const asked = proxy.asked.length;
    await sleep(3_000);
    expect(proxy.asked.length - asked).toBeLessThanOrEqual(45);
    await database(agent, 2);
    await stage.watched("watch.db", "db-1,db-2");
    expect(stage.lines().filter((line) => line.startsWith("warn"))).toEqual([]);
  });

  test("connections that a balancer closes every half second are no outage", async () => {
    stage.session.watch("watch.db", watched);
    stage.beat(web, 500);
    await stage.watched("watch.db", "db-1");
    const cutting = setInterval(() => proxy.cut(), 500);
    await sleep(2_500);
    clearInterval(cutting);
    await database(agent, 2);
    await stage.watched("watch.db", "db-1,db-2");
    expect(stage.lines()).toEqual(["info Service registered: web"]);
  });
});
