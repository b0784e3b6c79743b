import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import {
  type Container,
  consulAgent,
  describeContainers,
  type Network,
  network,
  PATH,
  Program,
  type RunOptions,
  run,
  writeFiles,
} from "../harness.ts";

const PORT = 9093;
const sh = (script: string) => ["sh", "-c", script];
const app = sh("trap 'echo app: TERM; exit 3' TERM; echo up; while :; do sleep 0.05; done");

/** Polled each second; `check` prints the value. */
const sensor = (name: string, type: string, check: string | string[], more: object = {}) => ({
  ...{ name, help: `help of ${name}`, type, poll: 1, check },
  ...more,
});

const config = (sensors: readonly object[], more: object = {}) => ({
  directory: "catalog",
  telemetry: { port: PORT, interfaces: ["static:127.0.0.1"], sensors, ...more },
});

/** A container in a network of its own. */
async function start(options: RunOptions & { net: Network }): Promise<Container> {
  const box = await run({ words: app, hostname: "box", timeoutMs: 60_000, ...options });
  return box;
}

async function metrics(net: Network, port = PORT): Promise<string> {
  const { status, body } = await net.http(port, "/metrics");
  expect(status).toBe(200);
  return body;
}

/** The value of a sample without labels; undefined where there is none. */
async function value(net: Network, name: string): Promise<number | undefined> {
  const found = new RegExp(`^${name} (\\S+)$`, "m").exec(await metrics(net))?.[1];
  return found === undefined ? undefined : Number(found);
}

const soon = (look: () => Promise<void> | void): Promise<void> => vi.waitFor(look, { timeout: 20_000, interval: 50 });
const above = (net: Network, name: string, least: number): Promise<void> =>
  soon(async () => expect(await value(net, name)).toBeGreaterThan(least));

/** Writes the configuration anew and has it read; settles when it is in force, or refused. */
async function reload(
  box: Container,
  next: unknown,
  until = /Configuration reloaded|Error initializing/,
): Promise<void> {
  const said = box.output.length;
  writeFiles(box.folder, { "config.json": JSON.stringify(next) });
  box.signal("SIGHUP");
  await soon(() => expect(box.output.slice(said)).toMatch(until));
}

describeContainers("telemetry", () => {
  it("shows one sensor of each type with its values, in the catalog and on the first interface that exists", async () => {
    const consul = await consulAgent();
    const { net } = consul;
    const box = await start({
      net,
      files: { "/etc/hosts": "127.0.0.1 localhost consul\n" },
      config: `{
        "consul": "consul:8500",
        "telemetry": {
          "port": 9093, "interfaces": ["eth1", "lo"], "tags": ["metrics"],
          "sensors": [
            { "namespace": "shop", "subsystem": "orders", "name": "total", "help": "orders", "type": "counter", "poll": 1, "check": ["echo", "2"], "timeout": "5s" },
            { "namespace": "shop", "name": "load", "help": "load", "type": "gauge", "poll": "1", "check": "echo 0.75" },
            { "name": "lat", "help": "latency", "type": "histogram", "poll": 1, "check": "echo 0.2" },
            { "name": "sz", "help": "size", "type": "summary", "poll": 1, "check": "echo 12" }
          ]
        }
      }`,
    });
    await box.waitFor(/telemetry: Listening on 127\.0\.0\.1:9093\n/);
    await above(net, "lat_count", 2);
    await above(net, "sz_count", 2);
    await above(net, "shop_orders_total", 4);
    const text = await metrics(net);
    const number = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
    expect(number("shop_orders_total") % 2).toBe(0);
    expect(text).toContain("# HELP shop_orders_total orders\n# TYPE shop_orders_total counter\n");
    expect(text).toContain("# HELP shop_load load\n# TYPE shop_load gauge\nshop_load 0.75\n");
    const count = number("lat_count");
    // Added up as the sensor was observed: 0.6000000000000001 for three times 0.2.
    const sum = Array.from({ length: count }, () => 0.2).reduce((all, each) => all + each, 0);
    const bounds = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"];
    const buckets = bounds.map((bound, index) => `lat_bucket{le="${bound}"} ${index < 5 ? 0 : count}\n`).join("");
    expect(text).toContain(`# TYPE lat histogram\n${buckets}lat_sum ${sum}\nlat_count ${count}\n`);
    const sizes = number("sz_count");
    const quantiles = ["0.5", "0.9", "0.99"].map((quantile) => `sz{quantile="${quantile}"} 12\n`).join("");
    expect(text).toContain(`# TYPE sz summary\n${quantiles}sz_sum ${12 * sizes}\nsz_count ${sizes}\n`);

    const instances = await consul.json<{ Service: object; Checks: { Status: string }[] }[]>(
      "/v1/health/service/containerpilot?passing=1",
    );
    expect(instances).toHaveLength(1);
    expect(instances[0]?.Service).toMatchObject({
      ...{ ID: "containerpilot-box", Service: "containerpilot", Tags: ["metrics"], Address: "127.0.0.1", Port: 9093 },
    });
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(box.output).toMatch(/Deregistering service: containerpilot\n[\s\S]*app: TERM/);
    expect(await consul.json("/v1/health/service/containerpilot")).toEqual([]);
  });

  it("listens on the chosen address alone, under the path of the hidden key", async () => {
    const net = await network();
    const settings = { interfaces: ["static:127.0.0.2"], url: "/own" };
    const box = await start({ net, config: config([sensor("some_counter", "counter", "echo 42")], settings) });
    await box.waitFor(/telemetry: Listening on 127\.0\.0\.2:9093/);
    const get = (url: string): Promise<{ code: number; stdout: string }> =>
      box.inside("curl", "-s", "--max-time", "5", "-w", "%{http_code}", url);
    await soon(async () => expect((await get("http://127.0.0.2:9093/own")).stdout).toMatch(/^some_counter (42|84)$/m));
    expect((await get("http://127.0.0.2:9093/metrics")).stdout).toMatch(/404$/);
    const ECONNREFUSED = 7;
    expect((await get("http://127.0.0.1:9093/own")).code).toBe(ECONNREFUSED);
  });

  it("tells what a sensor got wrong, and keeps its value", async () => {
    const net = await network();
    const sensors = [
      sensor("fed", "counter", "cat value"),
      sensor("fails", "gauge", sh("echo 5; echo why >&2; exit 3")),
      sensor("missing", "gauge", "/no/such/program"),
      sensor("sick", "gauge", "echo five"),
      sensor("infinite", "gauge", "echo +Inf"),
    ];
    const box = await start({ net, config: config(sensors), files: { value: "5\n" } });
    await box.waitFor(/Listening/);
    await above(net, "fed", 9);
    writeFiles(box.folder, { value: "-3\n" });
    await box.waitFor(/telemetry: fed: "-3" is left out: a counter only goes up\n/);
    const before = (await value(net, "fed"))!;
    expect(before % 5).toBe(0);
    await soon(() => expect(box.output.match(/fed: "-3" is left out/g)?.length).toBeGreaterThan(2));
    expect(await value(net, "fed")).toBe(before);
    writeFiles(box.folder, { value: "1\n" });
    await above(net, "fed", before);

    await box.waitFor(/fails\.sensor failed: exit status 3/);
    await box.waitFor(/missing\.sensor: .*\/no\/such\/program/);
    await box.waitFor(/telemetry: sick: "five" is not a number\n/);
    expect(await value(net, "fails")).toBe(0);
    expect(await value(net, "missing")).toBe(0);
    expect(await value(net, "sick")).toBe(0);
    expect(await metrics(net)).toContain("\ninfinite +Inf\n");
    expect(box.stderr).toContain("why\n");
    expect(box.ended).toBeUndefined();
  });

  it("kills a sensor after its timeout, and lets none delay the stop", async () => {
    const net = await network();
    const sensors = [
      sensor("slow", "gauge", "sleep 1000", { timeout: "300ms" }),
      sensor("endless", "gauge", sh("echo began > began; trap '' TERM; while :; do sleep 1; done")),
    ];
    const box = await start({ net, config: config(sensors) });
    await box.waitFor(/slow\.sensor timeout after 300ms: '\[1000\]'[\s\S]*slow\.sensor timeout after 300ms/);
    await box.inside("sh", "-c", `while [ ! -e ${join(box.folder, "began")} ]; do sleep 0.05; done`);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("pauses sensors in maintenance, and goes on answering", async () => {
    const net = await network();
    const box = await start({ net, config: config([sensor("polled", "counter", "echo 1")]) });
    await box.waitFor(/Service registered: containerpilot/);
    await above(net, "polled", 1);
    box.signal("SIGUSR1");
    await box.waitFor(/Marking for maintenance: containerpilot/);
    // The one that is just running, if any.
    await sleep(500);
    const paused = await value(net, "polled");
    await sleep(2500);
    expect(await value(net, "polled")).toBe(paused);
    box.signal("SIGUSR1");
    await above(net, "polled", paused!);
  });

  it("tells of a taken port, starts the application all the same, and listens once the port is free", async () => {
    const net = await network();
    const listen = `require("net").createServer().listen(${PORT}, "127.0.0.1", () => console.log("taken"))`;
    const other = await Program.start({
      ...{ container: ["--netns", net.path], argv: [process.execPath, "-e", listen], env: { PATH }, cwd: "/" },
      timeoutMs: 60_000,
    });
    await other.waitFor(/taken/);
    const box = await start({ net, config: config([sensor("polled", "counter", "echo 1")]) });
    await box.waitFor(/up/);
    await box.waitFor(/telemetry: cannot listen on 127\.0\.0\.1:9093: another program listens there \(EADDRINUSE\)/);
    await other.kill();
    await box.waitFor(/telemetry: Listening on 127\.0\.0\.1:9093/);
    await above(net, "polled", 0);
    expect(box.output.match(/cannot listen/g)).toHaveLength(1);
  });
});

describeContainers("telemetry and a configuration", () => {
  it("without poll is refused before anything runs", async () => {
    const net = await network();
    const { poll: _, ...without } = sensor("bad", "gauge", "echo 1");
    const box = await start({ net, config: config([without]) });
    expect(await box.exit).toEqual({ code: 78 });
    expect(box.stderr).toMatch(/telemetry\.sensors\[0\]\.?poll|sensors.*poll/);
    expect(box.stdout).toBe("");
  });

  it("stays as it is through reloads of the same, and counts on", async () => {
    const net = await network();
    const same = config([sensor("polled", "counter", "echo 1")]);
    const box = await start({ net, config: same });
    await box.waitFor(/Listening/);
    await above(net, "polled", 0);
    const before = (await value(net, "polled"))!;
    for (let times = 0; times < 5; times++) {
      await reload(box, same, /Reloading configuration/);
      expect(await value(net, "polled")).toBeGreaterThanOrEqual(before);
    }
    await above(net, "polled", before);
    expect(box.output.match(/Listening/g)).toHaveLength(1);
    expect(box.output).not.toMatch(/EADDRINUSE|cannot listen/);
  });

  it("follows a reload to another port, here and in the catalog, then away and back", async () => {
    const consul = await consulAgent();
    const { net } = consul;
    const on = (port: number) => {
      const { directory: _, ...rest } = config([sensor("polled", "counter", "echo 1")], { port });
      return { consul: "127.0.0.1:8500", ...rest };
    };
    const ports = async () =>
      (await consul.json<{ Service: { Port: number } }[]>("/v1/health/service/containerpilot?passing=1")).map(
        ({ Service }) => Service.Port,
      );
    const box = await start({ net, config: on(PORT) });
    await box.waitFor(/Listening on 127\.0\.0\.1:9093/);
    await soon(async () => expect(await ports()).toEqual([PORT]));
    await above(net, "polled", 0);

    await reload(box, on(9094));
    await box.waitFor(/Listening on 127\.0\.0\.1:9094/);
    expect(await metrics(net, 9094)).toMatch(/^polled [1-9]/m);
    await expect(net.http(PORT, "/metrics")).rejects.toThrow();
    await soon(async () => expect(await ports()).toEqual([9094]));

    await reload(box, { consul: "127.0.0.1:8500" });
    await soon(async () => expect(await ports()).toEqual([]));
    await expect(net.http(9094, "/metrics")).rejects.toThrow();

    await reload(box, on(PORT));
    await soon(async () => expect(await ports()).toEqual([PORT]));
    await above(net, "polled", 0);
    expect(box.output).not.toContain("cannot listen");
  });

  it("is begun by a reload when there was none at first", async () => {
    const net = await network();
    const box = await start({ net, config: { directory: "catalog" } });
    await box.waitFor(/up/);
    await reload(box, config([sensor("polled", "counter", "echo 1")]));
    await box.waitFor(/telemetry: Listening on 127\.0\.0\.1:9093/);
    await above(net, "polled", 0);
  });

  it("changes sensors in one step: what stays keeps its value, what goes is gone, what comes is there", async () => {
    const net = await network();
    const stays = sensor("stays", "counter", "echo 1");
    const box = await start({ net, config: config([stays, sensor("goes", "gauge", "echo 7")]) });
    await box.waitFor(/Listening/);
    await soon(async () => expect(await value(net, "goes")).toBe(7));
    await above(net, "stays", 1);
    const before = (await value(net, "stays"))!;
    await reload(box, config([{ ...stays, check: "echo 100" }, sensor("comes", "gauge", "echo 8")]));
    await soon(async () => expect(await value(net, "comes")).toBe(8));
    expect(await value(net, "goes")).toBeUndefined();
    await above(net, "stays", 100);
    expect((await value(net, "stays"))! % 100).toBeGreaterThanOrEqual(before);
  });

  it("takes another type, help or path, where nothing else changed", async () => {
    const net = await network();
    const box = await start({ net, config: config([sensor("turns", "gauge", "echo 3")]) });
    await box.waitFor(/Listening/);
    await soon(async () => expect(await value(net, "turns")).toBe(3));
    await reload(box, config([sensor("turns", "counter", "echo 3")]));
    await soon(async () => expect(await metrics(net)).toContain("# TYPE turns counter\n"));
    await above(net, "turns", 5);
    await reload(box, config([sensor("turns", "counter", "echo 3", { help: "another" })]));
    await soon(async () => expect(await metrics(net)).toContain("# HELP turns another\n"));
    await reload(box, config([sensor("turns", "counter", "echo 3", { help: "another" })], { url: "/own" }));
    await soon(async () => expect((await net.http(PORT, "/own")).status).toBe(200));
    expect((await net.http(PORT, "/metrics")).status).toBe(404);
    expect(box.output.match(/Listening/g)).toHaveLength(1);
  });

  it.each<[string, object[]]>([
    ["a sensor without poll", [{ ...sensor("new", "gauge", "echo 1"), poll: undefined }]],
    ["a sensor of no type", [sensor("new", "meter", "echo 1")]],
    ["two helps for one name", [sensor("new", "gauge", "echo 1"), sensor("new", "gauge", "echo 1", { help: "b" })]],
    ["a name of ours", [sensor("process_open_fds", "gauge", "echo 1")]],
  ])("keeps everything when a reload is refused: %s", async (_, bad) => {
    const net = await network();
    const good = sensor("polled", "counter", "echo 1");
    const box = await start({ net, config: config([good]) });
    await box.waitFor(/Listening/);
    await above(net, "polled", 0);
    const before = (await value(net, "polled"))!;
    await reload(box, config([good, ...bad], { port: 9094 }));
    expect(box.output).toContain("Error initializing config");
    await above(net, "polled", before);
    expect(await value(net, "new")).toBeUndefined();
    await expect(net.http(9094, "/metrics")).rejects.toThrow();
    expect(box.output.match(/Listening/g)).toHaveLength(1);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });
});
