import { spawn } from "node:child_process";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeContainers, run, tempFolder } from "../harness.ts";
import { bare, holdings, soon, times } from "../v2/stage.ts";
import { ask, closed, controlled, open, v3 } from "./stage.ts";

const ping = { method: "GET", path: "/v3/ping" };
const LONG = { timeoutMs: 90_000 };

describeContainers("clients that misbehave", () => {
  it("keep nobody out and cost nothing for long: half a request, silence, no reading, 600 at a time", async () => {
    const box = await controlled(v3(), LONG);
    await ask(box.socket, ping);
    const before = (await holdings(box)).descriptors;
    const half = await open(box.socket);
    const begun = "POST /v3/environ HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{";
    half.write(begun);
    const head = await open(box.socket);
    head.write("POST /v3/env");
    const deaf = await open(box.socket);
    deaf.pause();
    deaf.write("GET /v3/ping HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(await ask(box.socket, ping)).toMatchObject({ code: 200 });
    const crowd = await Promise.all(Array.from({ length: 600 }, () => open(box.socket)));
    for (const socket of crowd) {
      socket.on("error", () => undefined);
      // All that are open now hold half a request, whose rest never comes.
      socket.write(begun);
    }
    expect((await holdings(box)).descriptors).toBeLessThan(before + 300);
    for (let n = 0; n < 3; n++) expect(await ask(box.socket, ping)).toMatchObject({ code: 200 });
    for (const socket of [...crowd, half, head, deaf]) socket.destroy();
    await soon(async () => expect((await holdings(box)).descriptors).toBeLessThanOrEqual(before), 25_000);
    // Nor does one that is open hold up the stop.
    const last = await open(box.socket);
    last.write(begun);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });

  it.each([
    ["of that length", { "Content-Length": "50000000" }, Buffer.alloc(1 << 20, "x")],
    ["in chunks", { "Transfer-Encoding": "chunked" }, `100000\r\n${"x".repeat(0x10_0000)}\r\n`],
  ])("are told 413 for a huge body %s, and the connection is closed", async (_, headers, body) => {
    const box = await controlled(v3());
    const socket = await open(box.socket);
    const answer = closed(socket);
    const lines = Object.entries({ Host: "a", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`POST /v3/environ HTTP/1.1\r\n${lines.join("")}\r\n`);
    socket.write(body);
    expect(await answer).toMatch(
      /^HTTP\/1\.1 413 Request Entity Too Large\r\n[\s\S]*Connection: close\r\n[\s\S]*\r\n\r\nRequest Entity Too Large\n$/,
    );
  });

  it("get an error for what is no request, also when they close their half behind it", async () => {
    const box = await controlled(v3());
    for (const [bytes, expected] of [
      ["\xff\xfe\x00\x80 nonsense\r\n\r\n", /^HTTP\/1\.1 400 /],
      [`GET /${"x".repeat(20_000)} HTTP/1.1\r\n\r\n`, /^HTTP\/1\.1 431 /],
      ["GET /v3/\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n", /^HTTP\/1\.1 4\d\d /],
      ["POST /v3/metric HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\xff\xfe\xfd", /^HTTP\/1\.1 422 /],
      ["BREW /v3/reload HTTP/1.1\r\nHost: a\r\n\r\n", /^HTTP\/1\.1 4\d\d /],
      ["CONNECT /v3/reload HTTP/1.1\r\nHost: a\r\n\r\n", /^HTTP\/1\.1 405 [\s\S]*\r\n\r\nMethod Not Allowed\n$/],
      ["CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", /^HTTP\/1\.1 404 [\s\S]*\r\n\r\n404 page not found\n$/],
    ] as const) {
      const socket = await open(box.socket);
      const answer = closed(socket);
      socket.end(Buffer.from(bytes, "latin1"));
      expect(await answer).toMatch(expected);
      expect(await ask(box.socket, ping)).toMatchObject({ code: 200 });
    }
  });

  it("reload 30 times in a row, and once more: the last configuration is in force", async () => {
    const box = await controlled(v3(), LONG);
    const asked = Array.from({ length: 30 }, () => ask(box.socket, { path: "/v3/reload" }));
    for (const { code } of await Promise.all(asked)) expect(code).toBe(200);
    const job = { name: "last", exec: ["sh", "-c", "echo the last one; exec sleep 1000"] };
    writeFileSync(join(box.folder, "config.json"), JSON.stringify(v3({ jobs: [job] })));
    expect(await ask(box.socket, { path: "/v3/reload" })).toMatchObject({ code: 200 });
    await box.waitFor(/ the last one$/m);
    await soon(async () => {
      const names = (await box.processes()).map(({ name }) => name);
      expect(names.filter((name) => name === "sleep")).toHaveLength(1);
    }, 25_000);
  });
});

describeContainers("the control socket's file", () => {
  it("of a dead process is replaced, that of a live one is not", async () => {
    const folder = tempFolder();
    const socket = join(folder, "shared.sock");
    const binds = [`${folder}:${folder}`];
    const first = await controlled(v3({ control: { socket } }), { binds });
    const second = await run({ config: v3({ control: { socket } }), binds });
    const [, instead = ""] = await second.waitFor(
      new RegExp(`control: ${socket} belongs to another process, which answers there; serving at (\\S+) instead`),
    );
    expect(instead).toBe("/run/containerpilot.socket");
    second.signal("SIGTERM");
    expect(await second.exit).toEqual({ code: 0 });
    expect(await ask(socket, ping)).toMatchObject({ code: 200 });
    await first.kill();
    expect(existsSync(socket)).toBe(true);
    const third = await controlled(v3({ control: { socket } }), { binds });
    expect(await ask(socket, ping)).toMatchObject({ code: 200 });
    expect(third.output).not.toContain("instead");
    third.signal("SIGTERM");
    expect(await third.exit).toEqual({ code: 0 });
    expect(existsSync(socket)).toBe(false);
  });

  it("may be opened to others by mistake: only root and the same user are answered", async () => {
    const box = await controlled(v3());
    chmodSync(box.folder, 0o755);
    chmodSync(box.socket, 0o666);
    const script = `require("node:http").get({ socketPath: ${JSON.stringify(box.socket)}, path: "/v3/ping" }, (r) => {
      process.stdout.write(String(r.statusCode)); r.resume(); });`;
    const asUser = async (uid: number): Promise<string> => {
      const child = spawn(process.execPath, ["-e", script], { uid, stdio: ["ignore", "pipe", "inherit"] });
      let text = "";
      child.stdout.on("data", (part: Buffer) => (text += part.toString()));
      await new Promise((resolve) => child.once("close", resolve));
      return text;
    };
    expect(await asUser(12_345)).toBe("403");
    expect(await asUser(0)).toBe("200");
    expect(times(box, /control: a request of user 12345 is refused/g)).toBe(1);
  });

  it("of a container that has its own user is root's to use as well", async () => {
    const box = await run({ config: bare, words: ["sleep", "1000"], user: "12345:12345" });
    await box.waitFor(/serving at \/dev\/shm\/containerpilot\.socket instead/);
    const { stdout } = await box.inside(
      process.execPath,
      "-e",
      'require("node:http").get({ socketPath: "/dev/shm/containerpilot.socket", path: "/v3/ping" }, (r) => process.stdout.write(String(r.statusCode)))',
    );
    expect(stdout).toBe("200");
  });
});
