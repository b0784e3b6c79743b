import { beforeEach, describe, expect, test } from "vitest";
import type { Sensor } from "../../../src/plan.ts";
import { Metrics } from "../../../src/telemetry/metrics.ts";
import { render } from "../../../src/telemetry/render.ts";
import { Lines, linesOf, sensor, settings } from "./support.ts";

let now: number;
let lines: Lines;
let metrics: Metrics;

beforeEach(() => {
  now = 0;
  lines = new Lines();
  metrics = new Metrics(lines.log, () => now);
});

const shown = async (name: string): Promise<string[]> => linesOf(await render(metrics.registry), name);
const values = async (name: string): Promise<string[]> => (await shown(name)).filter((line) => !line.startsWith("#"));

function use(...sensors: Sensor[]): void {
  metrics.use(settings(Object.fromEntries(sensors.map((each) => [`sensor.${each.name}`, each]))));
}

function record(name: string, ...texts: string[]): void {
  for (const text of texts) metrics.record(`sensor.${name}`, text);
}

describe("each type", () => {
  test("a counter is there at once with 0, and adds", async () => {
    use(sensor("shop_orders_total", "counter", "orders"));
    expect(await shown("shop_orders_total")).toEqual([
      "# HELP shop_orders_total orders",
      "# TYPE shop_orders_total counter",
      "shop_orders_total 0",
    ]);
    record("shop_orders_total", "2\n", "2\n", "0", "2.5e0");
    expect(await values("shop_orders_total")).toEqual(["shop_orders_total 6.5"]);
  });

  test("a gauge is there at once with 0, and is set to whatever number", async () => {
    use(sensor("load", "gauge"));
    expect(await shown("load")).toEqual(["# HELP load load of a test", "# TYPE load gauge", "load 0"]);
    for (const [text, value] of [
      ["0.75", "0.75"],
      ["-3", "-3"],
      ["1e6", "1e+06"],
      ["+Inf", "+Inf"],
      ["-inf", "-Inf"],
      ["NaN", "NaN"],
      ["0", "0"],
    ] as const) {
      record("load", text);
      expect(await values("load")).toEqual([`load ${value}`]);
    }
    expect(lines.all).toEqual([]);
  });

  test("a histogram is there at once and empty; a value on a bound belongs to it", async () => {
    use(sensor("lat", "histogram", "latency"));
    expect(await values("lat")).toEqual([
      ...["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"].map(
        (bound) => `lat_bucket{le="${bound}"} 0`,
      ),
      "lat_sum 0",
      "lat_count 0",
    ]);
    record("lat", "0.2", "0.2", "0.2", "0.25", "10", "11", "-1");
    expect(await shown("lat")).toEqual([
      "# HELP lat latency",
      "# TYPE lat histogram",
      'lat_bucket{le="0.005"} 1',
      'lat_bucket{le="0.01"} 1',
      'lat_bucket{le="0.025"} 1',
      'lat_bucket{le="0.05"} 1',
      'lat_bucket{le="0.1"} 1',
      'lat_bucket{le="0.25"} 5',
      'lat_bucket{le="0.5"} 5',
      'lat_bucket{le="1"} 5',
      'lat_bucket{le="2.5"} 5',
      'lat_bucket{le="5"} 5',
      'lat_bucket{le="10"} 6',
      'lat_bucket{le="+Inf"} 7',
      "lat_sum 20.85",
      "lat_count 7",
    ]);
  });

  test("a summary is there at once, its quantiles NaN", async () => {
    use(sensor("sz", "summary", "size"));
    expect(await shown("sz")).toEqual([
      "# HELP sz size",
      "# TYPE sz summary",
      'sz{quantile="0.5"} NaN',
      'sz{quantile="0.9"} NaN',
      'sz{quantile="0.99"} NaN',
      "sz_sum 0",
      "sz_count 0",
    ]);
    record("sz", "12", "12", "12");
    expect(await values("sz")).toEqual([
      'sz{quantile="0.5"} 12',
      'sz{quantile="0.9"} 12',
      'sz{quantile="0.99"} 12',
      "sz_sum 36",
      "sz_count 3",
    ]);
  });

  test("zeroes are values of a summary, not an empty one", async () => {
    use(sensor("sz", "summary"));
    record("sz", "0");
    expect(await values("sz")).toContain('sz{quantile="0.5"} 0');
  });
});

describe("what a metric cannot take is told, and its value stays", () => {
  test.each<[Sensor["type"], string, string]>([
    ["counter", "five", '"five" is not a number'],
    ["counter", "", '"" is not a number'],
    ["gauge", "1\n2\n", '"1\\n2" is not a number'],
    ["counter", "-2\n", '"-2" is left out: a counter only goes up'],
    ["counter", "NaN", '"NaN" is left out: a counter adds up, so it takes finite numbers only'],
    ["counter", "+Inf", '"+Inf" is left out: a counter adds up, so it takes finite numbers only'],
    ["histogram", "NaN", '"NaN" is left out: a histogram adds up, so it takes finite numbers only'],
    ["summary", "-Inf", '"-Inf" is left out: a summary adds up, so it takes finite numbers only'],
  ])("%s: %j", async (type, text, told) => {
    use(sensor("m", type));
    record("m", "3");
    const before = await shown("m");
    record("m", text);
    expect(lines.take()).toEqual([`error telemetry: m: ${told}`]);
    expect(await shown("m")).toEqual(before);
    record("m", "3");
    expect(await shown("m")).toHaveLength(before.length);
    expect(lines.all).toEqual([]);
  });

  test("a long output is cut in the log", () => {
    use(sensor("m", "gauge"));
    record("m", "x".repeat(100_000));
    expect(lines.all).toEqual([`error telemetry: m: "${"x".repeat(100)}…" is not a number`]);
  });

  test("an output of no sensor is nothing", async () => {
    const before = linesOf(await render(metrics.registry), "m");
    metrics.record("constructor", "1");
    metrics.record("sensor.gone", "1");
    expect(linesOf(await render(metrics.registry), "m")).toEqual(before);
    expect(lines.all).toEqual([]);
  });
});

describe("a summary's window", () => {
  const minutes = (count: number): void => {
    now += count * 60_000;
  };
  const quantiles = async (): Promise<string[]> =>
    (await values("sz")).slice(0, 3).map((line) => line.replace(/^sz\{quantile="(.*)"\} /, "$1: "));

  test("gives values that were observed, each counted once, early or late", async () => {
    use(sensor("sz", "summary"));
    for (let minute = 0; minute < 8; minute++) {
      record("sz", minute < 3 ? "1" : "100");
      minutes(1);
    }
    expect(await quantiles()).toEqual(["0.5: 100", "0.9: 100", "0.99: 100"]);
  });

  test("forgets a value after ten minutes, sum and count never", async () => {
    use(sensor("sz", "summary"));
    record("sz", "5");
    minutes(9);
    record("sz", "7");
    expect(await quantiles()).toEqual(["0.5: 5", "0.9: 7", "0.99: 7"]);
    minutes(1);
    expect(await quantiles()).toEqual(["0.5: 7", "0.9: 7", "0.99: 7"]);
    minutes(9);
    expect(await values("sz")).toEqual([
      'sz{quantile="0.5"} NaN',
      'sz{quantile="0.9"} NaN',
      'sz{quantile="0.99"} NaN',
      "sz_sum 12",
      "sz_count 2",
    ]);
    record("sz", "3");
    expect(await quantiles()).toEqual(["0.5: 3", "0.9: 3", "0.99: 3"]);
  });

  test("has exact quantiles", async () => {
    use(sensor("sz", "summary"));
    for (let index = 0; index < 1000; index++) record("sz", String(((index * 7919) % 1000) + 1));
    expect(await quantiles()).toEqual(["0.5: 500", "0.9: 900", "0.99: 990"]);
  });

  test("holds the newest ten thousand values", async () => {
    use(sensor("sz", "summary"));
    record("sz", "-1");
    for (let index = 0; index < 5000; index++) record("sz", "1", "2");
    expect(await quantiles()).toEqual(["0.5: 1", "0.9: 2", "0.99: 2"]);
    record("sz", "2");
    expect(await quantiles()).toEqual(["0.5: 2", "0.9: 2", "0.99: 2"]);
    expect(await values("sz")).toContain("sz_count 10002");
  });
});

describe("the exposition", () => {
  test("is sorted by name, without empty lines, and escapes help", async () => {
    use(sensor("b", "gauge", 'two\nlines, a \\ and "quotes"'), sensor("a", "gauge"));
    const text = await render(metrics.registry);
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(names).toEqual([...names].sort());
    expect(text).toMatch(/^# HELP a .*\n# TYPE a gauge\na 0\n# HELP b two\\nlines, a \\\\ and "quotes"\n/);
    expect(text).not.toContain("\n\n");
    expect(text.endsWith("\n")).toBe(true);
  });

  test("has the process, and nothing of Node or Go", async () => {
    const text = await render(metrics.registry);
    const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
    expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(value("process_open_fds")).toBeGreaterThan(2);
    expect(value("process_max_fds")).toBeGreaterThanOrEqual(value("process_open_fds"));
    expect(value("process_virtual_memory_bytes")).toBeGreaterThan(value("process_resident_memory_bytes"));
    expect(value("process_resident_memory_bytes")).toBeGreaterThan(1e7);
    const age = Date.now() / 1000 - value("process_start_time_seconds");
    expect(Math.abs(age - process.uptime())).toBeLessThan(2);
    expect([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)).toEqual([
      "process_cpu_seconds_total",
      "process_max_fds",
      "process_open_fds",
      "process_resident_memory_bytes",
      "process_start_time_seconds",
      "process_virtual_memory_bytes",
    ]);
  });

  test("counts the CPU once, however often it is read", async () => {
    for (let times = 0; times < 20; times++) await render(metrics.registry);
    const { user, system } = process.cpuUsage();
    const told = Number((await values("process_cpu_seconds_total"))[0]?.split(" ")[1]);
    expect(Math.abs(told - (user + system) / 1e6)).toBeLessThan(0.5);
  });
});

describe("a new configuration", () => {
  test("keeps the value of a metric that stays, drops what it no longer names, adds what is new", async () => {
    use(sensor("stays", "counter"), sensor("goes", "gauge"));
    record("stays", "41");
    record("goes", "5");
    use(sensor("stays", "counter"), sensor("comes", "gauge"));
    record("stays", "1");
    record("goes", "6");
    expect(await values("stays")).toEqual(["stays 42"]);
    expect(await shown("goes")).toEqual([]);
    expect(await values("comes")).toEqual(["comes 0"]);
    expect(lines.all).toEqual([]);
  });

  test("begins anew with a metric of another type or help", async () => {
    use(sensor("a", "counter", "one"), sensor("b", "counter"));
    record("a", "5");
    record("b", "5");
    use(sensor("a", "counter", "another"), sensor("b", "gauge"));
    expect(await shown("a")).toEqual(["# HELP a another", "# TYPE a counter", "a 0"]);
    expect(await values("b")).toEqual(["b 0"]);
  });

  test("follows a sensor whose job has another id", async () => {
    metrics.use(settings({ one: sensor("m", "counter") }));
    metrics.record("one", "1");
    metrics.use(settings({ two: sensor("m", "counter") }));
    metrics.record("one", "10");
    metrics.record("two", "1");
    expect(await values("m")).toEqual(["m 2"]);
  });

  test("does not reach into a scrape that has begun", async () => {
    use(sensor("old", "gauge"));
    const scrape = render(metrics.registry);
    use(sensor("new", "gauge"));
    expect(linesOf(await scrape, "old")).toHaveLength(3);
    expect(await shown("new")).toHaveLength(3);
  });

  test("without telemetry leaves no sensor behind", async () => {
    use(sensor("m", "gauge"));
    metrics.use(undefined);
    expect(await shown("m")).toEqual([]);
    record("m", "1");
    expect(lines.all).toEqual([]);
  });

  test("two sensors may feed one metric", async () => {
    metrics.use(settings({ one: sensor("m", "counter"), two: sensor("m", "counter") }));
    metrics.record("one", "1");
    metrics.record("two", "2");
    expect(await shown("m")).toEqual(["# HELP m m of a test", "# TYPE m counter", "m 3"]);
    expect(lines.all).toEqual([]);
  });

  test.each<[string, Sensor, RegExp]>([
    ["a bad name", sensor("a-b", "gauge"), /^error telemetry: a-b is left out: /],
    ["no help", sensor("m", "gauge", ""), /^error telemetry: m is left out: /],
    ["a name of ours", sensor("process_open_fds", "gauge"), /^error telemetry: process_open_fds is left out: /],
  ])("with %s that slipped through costs that metric alone", async (_, bad, told) => {
    use(bad, sensor("good", "gauge"));
    record(bad.name, "1");
    record("good", "2");
    expect(await values("good")).toEqual(["good 2"]);
    expect(lines.all).toEqual([expect.stringMatching(told)]);
    expect(Number((await values("process_open_fds"))[0]?.split(" ")[1])).toBeGreaterThan(2);
  });
});

describe("values that are posted", () => {
  test("go to the metric of their key, or are told to have none", async () => {
    const hits = sensor("hits", "counter");
    metrics.use(settings({}, { metrics: { hits, __hits: hits } }));
    expect(metrics.post("hits", "1")).toBe(true);
    expect(metrics.post("__hits", " 2 ")).toBe(true);
    expect(metrics.post("_hits", "4")).toBe(false);
    expect(metrics.post("constructor", "4")).toBe(false);
    expect(await values("hits")).toEqual(["hits 3"]);
  });
});

describe("our own metrics", () => {
  test("are absent until told, then counted by their labels, and outlive configurations", async () => {
    expect(await shown("containerpilot_events")).toEqual([]);
    metrics.note("containerpilot_events", 1, { source: "web", code: "exitFailed" });
    metrics.note("containerpilot_events", 2, { code: "exitFailed", source: "web" });
    metrics.note("containerpilot_events", 1, { code: "healthy", source: 'a "name"\\' });
    metrics.note("containerpilot_watch_instances", 3, { service: "db" });
    metrics.note("containerpilot_watch_instances", 2, { service: "db" });
    metrics.use(settings());
    expect(await values("containerpilot_events")).toEqual([
      'containerpilot_events{code="exitFailed",source="web"} 3',
      'containerpilot_events{code="healthy",source="a \\"name\\"\\\\"} 1',
    ]);
    expect(await values("containerpilot_watch_instances")).toEqual(['containerpilot_watch_instances{service="db"} 2']);
    expect(lines.all).toEqual([]);
  });

  test.each<[string, number, Record<string, string>]>([
    ["containerpilot_nothing", 1, { code: "a" }],
    ["constructor", 1, {}],
    ["containerpilot_events", 1, { code: "a" }],
    ["containerpilot_events", -1, { code: "a", source: "b" }],
  ])("a mistake of ours is told: %s %d %j", (name, value, labels) => {
    metrics.note(name, value, labels);
    expect(lines.all).toEqual([expect.stringMatching(/^error telemetry: /)]);
  });

  test("stop growing at a thousand series, said once", async () => {
    for (let index = 0; index < 1010; index++) {
      metrics.note("containerpilot_events", 1, { code: "signal", source: `s${index}` });
    }
    metrics.note("containerpilot_events", 1, { code: "signal", source: "s0" });
    const shownNow = await values("containerpilot_events");
    expect(shownNow).toHaveLength(1000);
    expect(shownNow[0]).toBe('containerpilot_events{code="signal",source="s0"} 2');
    expect(lines.all).toEqual(["warn telemetry: containerpilot_events has 1000 series: further ones are left out"]);
  });
});
