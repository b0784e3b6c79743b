import type { ServerResponse } from "node:http";
import { beforeAll, describe, expect, test } from "vitest";
import type { CatalogLog } from "../../../src/catalog/catalog.ts";
import { openEtcd } from "../../../src/catalog/etcd.ts";
import { type Bed, contract, serviceOf, web } from "./contract.ts";
import { EtcdServer } from "./etcd-server.ts";
import { freePorts } from "./ports.ts";
import { AgentProxy } from "./proxy.ts";
import { Stage } from "./stage.ts";
import { sleep, until } from "./wait.ts";

const settings = (...endpoints: string[]) =>
  ({ kind: "etcd", endpoints, prefix: "/containerpilot", version: 2 }) as const;

let shared: EtcdServer;
beforeAll(async () => {
  shared = await EtcdServer.start();
});

/** One etcd for all tests, emptied for each. */
async function bed(): Promise<Bed> {
  await shared.ask("/v2/keys/containerpilot?dir=true&recursive=true", "DELETE");
  return {
    open: () => openEtcd(settings(shared.url), () => {}),
    async wipe({ name, id }) {
      await shared.ask(`/v2/keys/containerpilot/${name}/${id}?dir=true&recursive=true`, "DELETE");
    },
    async fail(how) {
      if (how === "hung") await shared.pause();
      else await shared.kill();
    },
    async back() {
      shared.resume();
      if (!(await shared.healthy())) await shared.start();
    },
  };
}

contract("etcd's version 2", bed, {
  fails: ["absent", "hung"],
  statuses: false,
  tags: false,
  oddNames: [
    "web.1",
    "my service",
    "ünïcödé",
    "a%2Fb",
    'quote"s',
    "a;b&c=d",
    "100%",
    "a+b",
    ".hidden",
    "x".repeat(200),
  ],
});

describe("the requests of ContainerPilot 2.7.8", () => {
  async function recorded(): Promise<{ etcd: EtcdServer; proxy: AgentProxy; stage: Stage; shapes: () => unknown[][] }> {
    const etcd = await EtcdServer.start();
    const proxy = await AgentProxy.start(etcd.port);
    const stage = new Stage(openEtcd(settings(`http://${proxy.address}`), () => {}));
    const shapes = (): unknown[][] => proxy.asked.splice(0).map(({ method, url, body }) => [method, url, body]);
    return { etcd, proxy, stage, shapes };
  }
  const service = serviceOf("web-host", { tags: ["blue"], ttl: 5_000 });
  const directory = "/v2/keys/containerpilot/web/web-host";
  const value = '{"id":"web-host","name":"web","address":"10.0.0.1","port":8000,"tags":null}';
  const registering = [
    ["PUT", `${directory}?dir=true`, "ttl=5"],
    ["PUT", `${directory}/service`, `value=${encodeURIComponent(value)}`],
  ];
  const beat = ["PUT", `${directory}?dir=true&prevExist=true`, "ttl=5"];
  const removing = ["DELETE", `${directory}?dir=true&recursive=true`, ""];

  test("register, renew, find again what was lost, deregister", async () => {
    const { etcd, proxy, stage, shapes } = await recorded();
    await stage.announced(service);
    expect(proxy.asked.map(({ headers }) => headers["content-type"])).toEqual([
      "application/x-www-form-urlencoded",
      "application/x-www-form-urlencoded",
    ]);
    expect(shapes()).toEqual(registering);
    expect(await etcd.tree("/containerpilot")).toEqual({
      "/containerpilot": true,
      "/containerpilot/web": true,
      "/containerpilot/web/web-host": true,
      "/containerpilot/web/web-host/service": value,
    });
    await stage.announced(service);
    expect(shapes()).toEqual([beat]);
    await etcd.ask(`${directory}?dir=true&recursive=true`, "DELETE");
    await stage.announced(service);
    expect(shapes()).toEqual([beat, ...registering]);
    await stage.withdraw(service);
    expect(shapes()).toEqual([removing]);
    expect(await etcd.tree("/containerpilot")).toEqual({ "/containerpilot": true, "/containerpilot/web": true });
    expect(stage.lines()).toEqual([
      "info Service registered: web",
      expect.stringMatching(
        /^info Service not registered: PUT http.*: 100: Key not found \(\/containerpilot\/web\/web-host\)$/,
      ),
      "info Service registered: web",
    ]);
  });

  test("a directory of an earlier life is taken over at once, with its new address", async () => {
    const { etcd, stage, shapes } = await recorded();
    await etcd.ask(`${directory}?dir=true&ttl=2`, "PUT");
    await etcd.ask(`${directory}/service?value=old`, "PUT");
    expect(await stage.announced(service)).toBe(true);
    expect(shapes()).toEqual([registering[0], beat, registering[1]]);
    await sleep(3_000);
    expect(await etcd.tree("/containerpilot/web")).toMatchObject({ "/containerpilot/web/web-host/service": value });
  });

  test("what is not passing is taken out, and comes again when it passes", async () => {
    const { stage, shapes } = await recorded();
    await stage.announced(service);
    shapes();
    await stage.announced(service, "critical");
    expect(shapes()).toEqual([removing]);
    await stage.announced(service);
    expect(shapes()).toEqual([beat, ...registering]);
  });

  test("a query, then listening: heartbeats of others cause nothing more", async () => {
    const { etcd, proxy, stage, shapes } = await recorded();
    const query = ["GET", "/v2/keys/containerpilot/web?quorum=false&recursive=true&sorted=false", ""];
    const listening = ["GET", "/v2/keys/containerpilot/web?wait=true&recursive=true&stream=true", ""];
    stage.session.watch("watch.web", web);
    await stage.watched("watch.web", "");
    expect(shapes()).toEqual([listening, query]);
    const other = new Stage(openEtcd(settings(etcd.url), () => {}));
    await other.announced(service);
    await stage.watched("watch.web", "web-host");
    await sleep(500);
    shapes();
    for (let n = 0; n < 20; n += 1) await other.announced(service);
    await sleep(200);
    expect(shapes()).toEqual([]);
    expect(proxy.connections).toBeLessThanOrEqual(2);
    await other.withdraw(service);
    await stage.watched("watch.web", "");
  });
});

describe("what stands in etcd", () => {
  test("values of the original are read; what is no instance is skipped with one warning each", async () => {
    const etcd = await EtcdServer.start();
    const logged: CatalogLog[] = [];
    const backend = openEtcd(settings(etcd.url), (line) => logged.push(line));
    const put = (key: string, value: string): Promise<unknown> =>
      etcd.ask(`/v2/keys/containerpilot/web/${key}?value=${encodeURIComponent(value)}`, "PUT");
    await put("a/service", '{"id":"a","name":"web","address":"10.0.0.1","port":80,"tags":null}');
    await put("b/service", '{"id":"b","name":"web","address":"10.0.0.2","port":80,"tags":["x"]}');
    await put("c/service", "not JSON");
    await put("d/service", '{"id":"d"}');
    await put("e", "a value where a directory should be");
    for (let n = 0; n < 3; n += 1) {
      expect(await backend.list(web)).toEqual([
        { id: "a", name: "web", address: "10.0.0.1", port: 80, tags: [] },
        { id: "b", name: "web", address: "10.0.0.2", port: 80, tags: ["x"] },
      ]);
    }
    // etcd gives a directory's nodes in no order.
    expect(logged.toSorted((one, two) => one.message.localeCompare(two.message))).toEqual(
      ["c", "d"].map((id) => ({
        level: "warn",
        message: `etcd's key /containerpilot/web/${id}/service is not an instance and is skipped`,
      })),
    );
    backend.close();
  });

  test("a file where the service's directory should be has no instances", async () => {
    const etcd = await EtcdServer.start();
    const backend = openEtcd(settings(etcd.url), () => {});
    await etcd.ask("/v2/keys/containerpilot/web?value=x", "PUT");
    expect(await backend.list(web)).toEqual([]);
    backend.close();
  });

  test("a prefix is taken with and without slashes, and may be deep", async () => {
    const etcd = await EtcdServer.start();
    for (const prefix of ["apps/prod", "/apps/prod/", "//apps//prod"]) {
      const backend = openEtcd({ ...settings(etcd.url), prefix }, () => {});
      await backend.register(serviceOf("web-host"), "passing", "");
      expect(Object.keys(await etcd.tree("/apps/prod"))).toContain("/apps/prod/web/web-host/service");
      await backend.deregister(serviceOf("web-host"));
      backend.close();
    }
  });
});

describe("several endpoints", () => {
  test("the next one is asked when one is not there or stands still, and stays the first", async () => {
    const [etcd, still] = [await EtcdServer.start(), await EtcdServer.start()];
    const [nobody = 0] = await freePorts(1);
    await still.pause();
    const stage = new Stage(openEtcd(settings(`http://127.0.0.1:${nobody}`, still.url, etcd.url), () => {}));
    const began = performance.now();
    expect(await stage.announced(serviceOf("web-host"))).toBe(true);
    expect(performance.now() - began).toBeLessThan(2_500);
    const again = performance.now();
    expect(await stage.announced(serviceOf("web-host"))).toBe(true);
    expect(performance.now() - again).toBeLessThan(500);
    stage.session.watch("watch.web", web);
    await stage.watched("watch.web", "web-host");
    still.resume();
  });

  test("none, or one that is no URL, is refused in words", async () => {
    const refused = async (...endpoints: string[]): Promise<unknown> => {
      const backend = openEtcd(settings(...endpoints), () => {});
      try {
        return await backend.list(web).catch((error: unknown) => error);
      } finally {
        backend.close();
      }
    };
    expect(await refused()).toMatchObject({ kind: "refused", message: "etcd has no endpoints" });
    expect(await refused("etcd:4001")).toMatchObject({ kind: "refused", message: /URLs such as http:\/\/etcd:4001/ });
  });
});

test("an answer that is cut, an error of the cluster, a page of HTML: told once, the list stays, healed by itself", async () => {
  const etcd = await EtcdServer.start();
  const proxy = await AgentProxy.start(etcd.port);
  const stage = new Stage(openEtcd(settings(`http://${proxy.address}`), () => {}));
  const other = new Stage(openEtcd(settings(etcd.url), () => {}));
  stage.session.watch("watch.web", web);
  let told = "";
  const faults: ((response: ServerResponse) => void)[] = [
    (response) => {
      response.writeHead(200, { "content-length": 1_000 });
      response.write('{"action":"get","node":{', () => response.socket?.resetAndDestroy());
    },
    (response) => {
      const body = '{"errorCode":300,"message":"Raft Internal Error","cause":"no leader","index":5}';
      response.writeHead(500, { "content-type": "application/json" }).end(body);
    },
    (response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>Log in</html>"),
  ];
  for (const [n, spoil] of faults.entries()) {
    await stage.watched("watch.web", told);
    const before = stage.lines().length;
    proxy.fault = (_, response) => {
      spoil(response);
      return true;
    };
    proxy.cut();
    const asked = proxy.asked.length;
    await sleep(1_500);
    expect(proxy.asked.length - asked).toBeLessThanOrEqual(25);
    expect(stage.lists("watch.web").at(-1)).toBe(told);
    expect(stage.lines().slice(before)).toEqual([expect.stringContaining("warn Failed to query web: GET http")]);
    proxy.fault = undefined;
    await other.announced(serviceOf(`web-${n}`, { ttl: 60_000 }));
    told = [told, `web-${n}`].filter((id) => id !== "").join(",");
    await stage.watched("watch.web", told);
  }
});

test("etcd that comes back empty: registered again by itself, two lines in all", async () => {
  const etcd = await EtcdServer.start();
  const stage = new Stage(openEtcd(settings(etcd.url), () => {}));
  const service = serviceOf("web-host", { ttl: 4_000 });
  stage.session.watch("watch.web", web);
  stage.beat(service, 500);
  await stage.watched("watch.web", "web-host");
  await etcd.kill();
  await sleep(1_000);
  expect(stage.lists("watch.web").at(-1)).toBe("web-host");
  await etcd.start();
  await stage.line("answers again");
  await until(
    "registered again",
    () => etcd.tree("/containerpilot").catch(() => ({})),
    (keys) => "/containerpilot/web/web-host" in keys,
  );
  const lines = stage.lines();
  expect(lines.filter((line) => line.startsWith("warn"))).toHaveLength(1);
  expect(lines.filter((line) => line.includes("answers again"))).toHaveLength(1);
});
