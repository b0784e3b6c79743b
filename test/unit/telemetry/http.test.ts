import { createServer, type Server } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import type { Telemetry } from "../../../src/plan.ts";
import type { Endpoint, Limits } from "../../../src/telemetry/listener.ts";
import { openTelemetry, type TelemetryPort } from "../../../src/telemetry/telemetry.ts";
import { ask, Client } from "./client.ts";
import { Lines, linesOf, sensor, settings } from "./support.ts";

/** No deadline may be what ends a connection. */
const PATIENT: Partial<Limits> = { requestMs: 600_000, responseMs: 600_000, idleMs: 600_000 };

const opened: TelemetryPort[] = [];
const servers: Server[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  for (const each of servers.splice(0)) each.close();
});

/** Telemetry that listens on a free port. */
async function open(
  more: Partial<Telemetry> = {},
  limits: Partial<Limits> = {},
): Promise<{ telemetry: TelemetryPort; at: Endpoint; lines: Lines }> {
  const lines = new Lines();
  const telemetry = openTelemetry(settings({ job: sensor("hits", "counter") }, more), lines.log, limits);
  opened.push(telemetry);
  await lines.until(/Listening/);
  return { telemetry, at: telemetry.bound!, lines };
}

/** Something else that listens on a port of 127.0.0.1. */
function occupy(port = 0): Promise<Server & { port: number }> {
  const server = createServer();
  servers.push(server);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(Object.assign(server, { port: typeof address === "object" ? address!.port : 0 }));
    });
  });
}

/** A connection whose client does not take the response it asked for, which is more than any socket buffer holds. */
async function busy(limits: Partial<Limits>): Promise<{
  telemetry: TelemetryPort;
  at: Endpoint;
  client: Client;
  /** Bytes of the response, at least. */
  whole: number;
}> {
  const help = "long ".repeat(2_400_000);
  const lines = new Lines();
  const telemetry = openTelemetry(settings({ job: sensor("m", "gauge", help) }), lines.log, limits);
  opened.push(telemetry);
  await lines.until(/Listening/);
  const at = telemetry.bound!;
  const client = await Client.open(at);
  client.send("GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n");
  await client.has(1);
  client.socket.pause();
  return { telemetry, at, client, whole: help.length };
}

describe("answers", () => {
  test("the metrics under their path, in the text format", async () => {
    const { telemetry, at } = await open();
    telemetry.record("job", "42\n");
    const { status, headers, body } = await ask(at);
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4");
    expect(headers["content-encoding"]).toBeUndefined();
    expect(linesOf(body.toString(), "hits")).toEqual(["# HELP hits hits of a test", "# TYPE hits counter", "hits 42"]);
    expect(body.toString()).toMatch(/^process_open_fds \d+$/m);
  });

  test.each(["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"])("to %s", async (method) => {
    const { at } = await open();
    const { status, body } = await ask(at, "/metrics", method);
    expect(status).toBe(200);
    expect(body.toString()).toContain("hits 0\n");
  });

  test("to HEAD without a body", async () => {
    const { at } = await open();
    const { status, headers } = await ask(at, "/metrics", "HEAD");
    expect(status).toBe(200);
    expect(Number(headers["content-length"])).toBeGreaterThan(100);
  });

  test.each<[string, number]>([
    ["/metrics?format=text", 200],
    ["http://proxy.example/metrics?x", 200],
    ["/", 404],
    ["/metrics/", 404],
    ["/Metrics", 404],
    ["/status", 404],
    ["/favicon.ico", 404],
    ["*", 404],
  ])("%s with %d", async (path, status) => {
    const { at } = await open();
    expect((await ask(at, path)).status).toBe(status);
  });

  test("the path that is configured", async () => {
    const { telemetry, at } = await open({ path: "/own" });
    expect((await ask(at, "/own")).status).toBe(200);
    expect((await ask(at)).status).toBe(404);
    telemetry.use(settings({}, { path: "/metrics" }));
    expect(telemetry.bound).toEqual(at);
    expect((await ask(at, "/own")).status).toBe(404);
    expect((await ask(at)).status).toBe(200);
  });

  test.each<[string, boolean]>([
    ["gzip", true],
    ["deflate, GZIP;q=0.5, br", true],
    ["gzip;q=1.0", true],
    ["gzip;q=0", false],
    ["gzip; q=0.00", false],
    ["identity", false],
    ["xgzip, gzipped", false],
    ["", false],
  ])("Accept-Encoding: %j, compressed: %j", async (accepted, compressed) => {
    const { at } = await open();
    const { headers, body } = await ask(at, "/metrics", "GET", `Accept-Encoding: ${accepted}\r\n`);
    expect(headers["content-encoding"]).toBe(compressed ? "gzip" : undefined);
    const text = compressed ? gunzipSync(body) : body;
    expect(text.toString()).toContain("hits 0\n");
  });

  test("several requests on one connection, and pipelined ones", async () => {
    const { at } = await open();
    const client = await Client.open(at);
    const request = "GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n";
    client.send(request);
    expect((await client.answer()).status).toBe(200);
    client.send(request.repeat(100));
    for (let times = 0; times < 100; times++) expect((await client.answer()).status).toBe(200);
    expect(client.socket.destroyed).toBe(false);
  });

  test("without reading a body, and then closes", async () => {
    const { at } = await open();
    const client = await Client.open(at);
    client.send(`POST /metrics HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000000\r\n\r\n`);
    const { status, headers } = await client.answer();
    expect(status).toBe(200);
    expect(headers.connection).toBe("close");
    await client.ended;
  });

  test("400 to what is no HTTP, 431 to a head that is too long, and goes on", async () => {
    const { at } = await open({}, { headBytesMax: 1000 });
    const stranger = await Client.open(at);
    stranger.send("\x16\x03\x01 not http\r\n\r\n");
    await stranger.ended;
    expect(stranger.received).toMatch(/^HTTP\/1\.1 400 /);
    expect((await ask(at, "/metrics", "GET", `X: ${"x".repeat(2000)}\r\n`)).status).toBe(431);
    expect((await ask(at, "/metrics", "GET", `X: ${"x".repeat(500)}\r\n`)).status).toBe(200);
  });

  test("two hundred scrapes at a time, each whole", async () => {
    const { telemetry, at } = await open({}, { connectionsMax: 1000 });
    telemetry.record("job", "7");
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(at)));
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(body.toString()).toContain("hits 7\n");
      expect(body.toString()).toContain("process_virtual_memory_bytes ");
    }
  });
});

describe("slow clients", () => {
  test("a hundred that never finish their request keep no scrape out", async () => {
    const { at } = await open({}, { connectionsMax: 8 });
    const slow = await Promise.all(Array.from({ length: 100 }, () => Client.open(at)));
    for (const client of slow) client.send("GET /metrics HTTP/1.1\r\nX-Slow:");
    for (let times = 0; times < 3; times++) expect((await ask(at)).status).toBe(200);
    // Never more than eight are open: the others were closed to make room.
    await Promise.all(slow.slice(0, 92).map(({ ended }) => ended));
  });

  test("a trickle of bytes does not put off the end", async () => {
    const { at } = await open({}, { requestMs: 300 });
    const client = await Client.open(at);
    client.send("GET /metrics HTTP/1.1\r\n");
    const trickle = setInterval(() => client.send("X: y\r\n"), 20);
    await client.ended;
    clearInterval(trickle);
    expect(client.received).toBe("");
  });

  test("one that does not take its response is cut off", async () => {
    const { client, whole } = await busy({ responseMs: 300 });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    client.socket.resume();
    await client.ended;
    expect(client.length).toBeLessThan(whole);
  });

  test("one that is being answered does not make room for others, who are refused when there is none", async () => {
    const { client, at, whole } = await busy({ connectionsMax: 1 });
    await expect(ask(at)).rejects.toThrow(/ended after ""/);
    client.socket.resume();
    await client.has(whole);
    expect((await ask(at, "/")).status).toBe(404);
  });

  test("a connection without a further request is closed", async () => {
    const { at } = await open({}, { idleMs: 100 });
    const client = await Client.open(at);
    client.send("GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n");
    await client.answer();
    await client.ended;
  });
});

test("a connection that has ended leaves its place to others", async () => {
  const { at } = await open({}, { ...PATIENT, connectionsMax: 2 });
  const request = "GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n";
  const stays = await Client.open(at);
  stays.send(request);
  await stays.answer();
  for (let times = 0; times < 5; times++) await ask(at);
  stays.send(request);
  expect((await stays.answer()).status).toBe(200);
});

describe("the listener", () => {
  test("says where it listens, and listens nowhere else", async () => {
    const { at, lines } = await open();
    expect(lines.all).toEqual([`info telemetry: Listening on 127.0.0.1:${at.port}`]);
    await expect(Client.open({ address: "127.0.0.2", port: at.port })).rejects.toThrow("ECONNREFUSED");
  });

  test("takes IPv6", async () => {
    const { at, lines } = await open({ address: "::1" });
    expect(lines.all).toEqual([`info telemetry: Listening on [::1]:${at.port}`]);
    expect((await ask(at)).status).toBe(200);
  });

  test("stays through a reload that leaves it as it is, connections included", async () => {
    const { telemetry, at, lines } = await open();
    telemetry.record("job", "1");
    const client = await Client.open(at);
    client.send("GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n");
    await client.answer();
    lines.take();
    for (let times = 0; times < 5; times++) {
      telemetry.use(settings({ job: sensor("hits", "counter"), other: sensor("other", "gauge") }));
    }
    client.send("GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n");
    const { body } = await client.answer();
    expect(body.toString()).toContain("hits 1\n");
    expect(body.toString()).toContain("other 0\n");
    expect(lines.all).toEqual([]);
  });

  test("moves to another port: the new one answers, the old one is free", async () => {
    const { telemetry, at, lines } = await open();
    telemetry.record("job", "3");
    const idle = await Client.open(at);
    const free = await occupy();
    const { port } = free;
    await new Promise((resolve) => free.close(resolve));
    lines.take();
    telemetry.use(settings({ job: sensor("hits", "counter") }, { port }));
    await lines.until(/: Listening/);
    expect(lines.all).toEqual([
      `info telemetry: No longer listening on 127.0.0.1:${at.port}`,
      `info telemetry: Listening on 127.0.0.1:${port}`,
    ]);
    expect((await ask({ address: "127.0.0.1", port })).body.toString()).toContain("hits 3\n");
    await idle.ended;
    await expect(Client.open(at)).rejects.toThrow("ECONNREFUSED");
    await occupy(at.port);
  });

  test("moves to another address with the same port", async () => {
    const { telemetry, at, lines } = await open();
    lines.take();
    telemetry.use(settings({}, { address: "127.0.0.3", port: at.port }));
    await lines.until(/: Listening/);
    expect((await ask({ address: "127.0.0.3", port: at.port })).status).toBe(200);
    await expect(Client.open(at)).rejects.toThrow("ECONNREFUSED");
  });

  test("closes when telemetry goes, opens when it comes back", async () => {
    const { telemetry, at, lines } = await open();
    telemetry.use(undefined);
    expect(telemetry.bound).toBeUndefined();
    await expect(Client.open(at)).rejects.toThrow("ECONNREFUSED");
    lines.take();
    telemetry.use(settings({}, { port: at.port }));
    await lines.until(/: Listening/);
    expect((await ask(at)).status).toBe(200);
  });

  test("begins with a reload when there was no telemetry at first", async () => {
    const lines = new Lines();
    const telemetry = openTelemetry(undefined, lines.log);
    opened.push(telemetry);
    expect(telemetry.bound).toBeUndefined();
    telemetry.use(settings());
    await lines.until(/: Listening/);
    expect((await ask(telemetry.bound!)).status).toBe(200);
  });

  test("left in the same turn that began it, listens nowhere", async () => {
    const { port } = await occupy();
    await new Promise((resolve) => servers.splice(0)[0]!.close(resolve));
    const lines = new Lines();
    const telemetry = openTelemetry(settings({}, { port }), lines.log);
    await telemetry.close();
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    await expect(Client.open({ address: "127.0.0.1", port })).rejects.toThrow("ECONNREFUSED");
    expect(lines.all).toEqual([]);
  });

  test("ends the connections of the place it leaves, whatever they do", async () => {
    const { telemetry, at, client } = await busy(PATIENT);
    const waiting = await Client.open(at);
    waiting.send("GET /metrics HTTP/1.1\r\n");
    const idle = await Client.open(at);
    telemetry.use(settings({}, { address: "127.0.0.2" }));
    await expect(Client.open(at)).rejects.toThrow("ECONNREFUSED");
    client.socket.resume();
    await Promise.all([client.ended, waiting.ended, idle.ended]);
  });

  test("closing ends every connection and frees the port", async () => {
    const { telemetry, at } = await open({}, PATIENT);
    const clients = await Promise.all(Array.from({ length: 10 }, () => Client.open(at)));
    for (const client of clients) client.send("GET /metrics HTTP/1.1\r\n");
    await ask(at);
    await telemetry.close();
    await Promise.all(clients.map(({ ended }) => ended));
    await occupy(at.port);
    await telemetry.close();
  });
});

describe("a port that cannot be had", () => {
  test("is said in words once, and tried for until it is free", async () => {
    const other = await occupy();
    const lines = new Lines();
    const telemetry = openTelemetry(settings({ job: sensor("hits", "counter") }, { port: other.port }), lines.log, {
      retryMs: { first: 10, max: 20 },
    });
    opened.push(telemetry);
    const why = `telemetry: cannot listen on 127.0.0.1:${other.port}: another program listens there (EADDRINUSE); trying again until it works`;
    await lines.until(/^debug/);
    expect(lines.all.slice(0, 2)).toEqual([`error ${why}`, `debug ${why}`]);
    // Values are kept meanwhile.
    telemetry.record("job", "5");
    await new Promise((resolve) => other.close(resolve));
    await lines.until(/: Listening/);
    expect(lines.all.filter((line) => line.startsWith("error"))).toHaveLength(1);
    expect((await ask({ address: "127.0.0.1", port: other.port })).body.toString()).toContain("hits 5\n");
  });

  test("is not tried for any more when a reload names another", async () => {
    const other = await occupy();
    const lines = new Lines();
    const telemetry = openTelemetry(settings({}, { port: other.port }), lines.log, { retryMs: { first: 1, max: 1 } });
    opened.push(telemetry);
    await lines.until(/^debug/);
    telemetry.use(settings());
    await lines.until(/: Listening/);
    const { bound } = telemetry;
    await new Promise((resolve) => other.close(resolve));
    const said = lines.all.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(lines.all).toHaveLength(said);
    expect(telemetry.bound).toEqual(bound);
  });

  test("is nobody's business any more once telemetry was closed", async () => {
    const other = await occupy();
    const lines = new Lines();
    const telemetry = openTelemetry(settings({}, { port: other.port }), lines.log, { retryMs: { first: 1, max: 1 } });
    // Between the failed call and Node's telling of it.
    await new Promise((resolve) => process.nextTick(() => resolve(telemetry.close())));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(lines.all).toEqual([]);
  });

  test.each<[string, Partial<Telemetry>, RegExp]>([
    [
      "an address of nobody",
      { address: "192.0.2.1" },
      /^error telemetry: cannot listen on 192\.0\.2\.1:0: no interface has this address \(EADDRNOTAVAIL\); trying/,
    ],
    [
      "a port that is none",
      { port: 70_000 },
      /^error telemetry: cannot listen on 127\.0\.0\.1:70000: a port is at most 65535$/,
    ],
  ])("%s", async (_, where, told) => {
    const lines = new Lines();
    const telemetry = openTelemetry(settings({}, where), lines.log);
    opened.push(telemetry);
    await lines.until(/^error/);
    expect(lines.all).toEqual([expect.stringMatching(told)]);
    telemetry.use(settings());
    await lines.until(/: Listening/);
    expect((await ask(telemetry.bound!)).status).toBe(200);
  });
});
