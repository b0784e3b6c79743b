import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { describeContainers, type Network, network, PATH, Program, run, server, tempFolder } from "../harness.ts";

const PORT = 9090;
const OURS = 9093;

/** A real Prometheus that scrapes containerpilot once a second, in the network of both. */
async function prometheus(net: Network): Promise<Program> {
  const config = {
    scrape_configs: [{ job_name: "app", scrape_interval: "1s", static_configs: [{ targets: [`127.0.0.1:${OURS}`] }] }],
  };
  // YAML has JSON in it.
  const folder = tempFolder({ "prometheus.yml": JSON.stringify(config) });
  const program = await Program.start({
    container: ["--netns", net.path, "--bind", folder],
    argv: [
      server("prometheus"),
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${PORT}`,
    ],
    env: { PATH },
    cwd: folder,
    timeoutMs: 60_000,
  });
  await program.waitFor(/Server is ready to receive web requests/);
  return program;
}

const sensor = (name: string, type: string, value: string) => ({
  ...{ namespace: "shop", name, help: `${name} of the shop`, type, poll: 1 },
  check: ["echo", value],
});

describeContainers("a real Prometheus", () => {
  it("scrapes every type of sensor, with its type and help, and finds the process", async () => {
    const net = await network();
    const scraper = await prometheus(net);
    const sensors = [
      sensor("orders_total", "counter", "2"),
      sensor("load", "gauge", "0.75"),
      sensor("latency", "histogram", "0.2"),
      sensor("size", "summary", "12"),
      { ...sensor("idle", "summary", "1"), poll: 3600 },
    ];
    await run({
      config: { directory: "catalog", telemetry: { port: OURS, interfaces: ["static:127.0.0.1"], sensors } },
      words: ["sleep", "60"],
      net,
      timeoutMs: 60_000,
    });
    const api = async <T>(path: string): Promise<T> => {
      const { status, body } = await net.http(PORT, `/api/v1/${path}`);
      if (status !== 200) throw new Error(`${path}: ${status} ${body}`);
      return JSON.parse(body).data as T;
    };
    /** The newest value of a series; undefined while there is none. */
    const value = async (query: string): Promise<number | undefined> => {
      const { result } = await api<{ result: { value: [number, string] }[] }>(
        `query?query=${encodeURIComponent(query)}`,
      );
      return result[0] === undefined ? undefined : Number(result[0].value[1]);
    };
    // Four scraped values, each two more than the one before: the sensors are polled and the scrapes are kept.
    await vi.waitFor(async () => expect(await value("shop_orders_total")).toBeGreaterThanOrEqual(8), {
      timeout: 20_000,
      interval: 500,
    });
    expect(await value("up")).toBe(1);
    expect(await value("shop_load")).toBe(0.75);
    expect(await value('shop_latency_bucket{le="0.1"}')).toBe(0);
    const count = await value("shop_latency_count");
    expect(count).toBeGreaterThanOrEqual(3);
    expect(await value('shop_latency_bucket{le="+Inf"} - on() shop_latency_count')).toBe(0);
    expect(await value('shop_latency_bucket{le="0.25"} - on() shop_latency_count')).toBe(0);
    expect(await value("histogram_quantile(0.5, shop_latency_bucket)")).toBeCloseTo(0.175);
    expect(await value('shop_size{quantile="0.99"}')).toBe(12);
    expect(await value("shop_size_sum / shop_size_count")).toBe(12);
    expect(await value('shop_idle{quantile="0.5"}')).toBeNaN();
    expect(await value("shop_idle_count")).toBe(0);
    expect(await value("process_resident_memory_bytes")).toBeGreaterThan(1e7);
    expect(await value("process_open_fds")).toBeGreaterThan(2);
    expect(Math.abs((await value("time() - process_start_time_seconds"))!)).toBeLessThan(60);
    expect(await value('count({__name__=~"go_.*|http_.*|nodejs_.*"})')).toBeUndefined();

    const metadata = await api<Record<string, { type: string; help: string }[]>>("metadata");
    const types = Object.entries(metadata).filter(([name]) => /^(shop|process)_/.test(name));
    expect(Object.fromEntries(types.map(([name, [first]]) => [name, first?.type]))).toEqual({
      shop_orders_total: "counter",
      shop_load: "gauge",
      shop_latency: "histogram",
      shop_size: "summary",
      shop_idle: "summary",
      process_cpu_seconds_total: "counter",
      process_open_fds: "gauge",
      process_max_fds: "gauge",
      process_virtual_memory_bytes: "gauge",
      process_resident_memory_bytes: "gauge",
      process_start_time_seconds: "gauge",
    });
    expect(metadata.shop_load?.[0]?.help).toBe("load of the shop");
    expect(scraper.output).not.toMatch(/level=(warn|error)/);
  });
});
