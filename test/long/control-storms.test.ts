import type { Socket } from "node:net";
import { expect, it } from "vitest";
import { ask, closed, controlled, open, v3 } from "../e2e/control/stage.ts";
import { describeContainers, entrypoint } from "../e2e/harness.ts";
import { holdings, soon, times } from "../e2e/v2/stage.ts";
import { nodeOf, otherMajors } from "./node.ts";

const ping = { method: "GET", path: "/v3/ping" };
const LONG = { timeoutMs: 500_000 };

describeContainers("the control socket", () => {
  it("are cut at a deadline, whatever they trickle", async () => {
    const box = await controlled(v3(), LONG);
    const socket = await open(box.socket);
    const ended = closed(socket);
    socket.write("GET /v3/ping HTTP/1.1\r\nA: ");
    const trickle = setInterval(() => socket.write("x"), 200);
    await ended;
    clearInterval(trickle);
    expect(await ask(box.socket, ping)).toMatchObject({ code: 200 });
  });

  it("takes 10 000 connections that say nothing or half a request, and answers all the while", async () => {
    const box = await controlled(v3(), LONG);
    await ask(box.socket, ping);
    const before = (await holdings(box)).descriptors;
    const all: Socket[] = [];
    for (let made = 0; made < 10_000; made += 500) {
      const more = await Promise.all(Array.from({ length: 500 }, () => open(box.socket)));
      for (const [n, socket] of more.entries()) {
        socket.on("error", () => undefined);
        if (n % 2 === 1) socket.write("POST /v3/environ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{");
      }
      all.push(...more);
      expect(await ask(box.socket, ping)).toMatchObject({ code: 200 });
      expect((await holdings(box)).descriptors).toBeLessThan(before + 300);
    }
    for (const socket of all) socket.destroy();
    await soon(async () => expect((await holdings(box)).descriptors).toBeLessThanOrEqual(before), 60_000);
    expect(times(box, /main is up/g)).toBe(1);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });

  it("reloads 200 times back to back, and then once more", async () => {
    const box = await controlled(v3(), LONG);
    const reload = (): Promise<{ code: number }> => {
      return box.inside("env", `CONTAINERPILOT_SOCKET=${box.socket}`, entrypoint, "-reload");
    };
    for (let n = 0; n < 200; n += 1) expect(await reload()).toMatchObject({ code: 0 });
    const before = times(box, /control: reloaded app via control plane/g);
    expect(await reload()).toMatchObject({ code: 0 });
    await soon(() => expect(times(box, /control: reloaded app via control plane/g)).toBeGreaterThan(before), 60_000);
    await soon(async () => {
      const names = (await box.processes()).map(({ name }) => name);
      expect(names.filter((name) => name === "sleep")).toHaveLength(1);
    }, 60_000);
  });

  it("takes 2000 metric values of 40 clients at a time, and loses none", async () => {
    const metrics = [{ name: "hits", type: "counter", help: "h" }];
    const telemetry = { port: 9090, interfaces: ["static:127.0.0.1"], metrics };
    const box = await controlled(v3({ telemetry }), { ...LONG, net: "own" });
    const client = async (): Promise<void> => {
      for (let n = 0; n < 50; n += 1) {
        expect(await ask(box.socket, { path: "/v3/metric", body: '{"hits":1}' })).toMatchObject({ code: 200 });
      }
    };
    await Promise.all(Array.from({ length: 40 }, client));
    const script = 'fetch("http://127.0.0.1:9090/metrics").then(async (r) => process.stdout.write(await r.text()))';
    expect((await box.inside(process.execPath, "-e", script)).stdout).toMatch(/^hits 2000$/m);
  });

  it.each(otherMajors)("works under Node %s", async (major) => {
    const box = await controlled(v3(), { ...LONG, env: { CONTAINERPILOT_NODE: nodeOf(major) } });
    const flag = (...flags: string[]): Promise<{ code: number }> => {
      return box.inside("env", `CONTAINERPILOT_SOCKET=${box.socket}`, entrypoint, ...flags);
    };
    expect(await flag("-ping")).toMatchObject({ code: 0, stdout: "ok\n" });
    expect(await flag("-putenv", "TOLD=x")).toMatchObject({ code: 0 });
    expect(await ask(box.socket, { path: "/v3/environ", body: "x".repeat(300_000) })).toMatchObject({ code: 413 });
    expect(await flag("-reload")).toMatchObject({ code: 0 });
    await box.waitFor(/ TOLD=x$/m);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 0 });
  });
});
