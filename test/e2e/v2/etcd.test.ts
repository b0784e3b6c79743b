import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { describeContainers, etcd, network, run, type Server, server } from "../harness.ts";
import { app, reload, sh, soon, times } from "./stage.ts";

const settings = { etcd: { endpoints: ["http://127.0.0.1:2379"], prefix: "/own" } };
const web = { name: "web", port: 8000, poll: 1, ttl: 3, interfaces: "lo" };

interface Node {
  key: string;
  ttl?: number;
  value?: string;
  nodes?: Node[];
}

/** What is below a key, undefined where there is no such key. */
async function below(store: Server, key: string): Promise<Node | undefined> {
  const { status, body } = await store.http(`/v2/keys${key}?recursive=true`);
  return status === 200 ? (JSON.parse(body) as { node: Node }).node : undefined;
}

/** The instances of a service, as 2.7.8 wrote them. */
async function instances(store: Server, name: string): Promise<unknown[]> {
  const node = await below(store, `/own/${name}`);
  return (node?.nodes ?? []).flatMap((one) => (one.nodes ?? []).map(({ value }) => JSON.parse(value ?? "null")));
}

describeContainers("with etcd", () => {
  it("an instance is a directory with a ttl, its value is the original's; others see it come and go", async () => {
    const store = await etcd();
    const { net } = store;
    const front = await run({
      config: { ...settings, backends: [{ name: "web", poll: 1, onChange: "echo changed" }] },
      hostname: "front",
      net,
      words: app,
      timeoutMs: 40_000,
    });
    const box = await run({ config: { ...settings, services: [web] }, hostname: "box", net, words: app });
    await soon(async () => {
      expect(await instances(store, "web")).toEqual([
        { id: "web-box", name: "web", address: "127.0.0.1", port: 8000, tags: null },
      ]);
    });
    const [node] = (await below(store, "/own/web"))?.nodes ?? [];
    expect(node?.key).toBe("/own/web/web-box");
    expect(node?.ttl).toBeGreaterThan(0);
    expect(node?.ttl).toBeLessThanOrEqual(3);
    await front.waitFor(/ changed\n/);
    // Beyond its ttl, it was renewed.
    await sleep(3500);
    expect(await instances(store, "web")).toHaveLength(1);
    expect(times(front, / changed$/gm)).toBe(1);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(await instances(store, "web")).toEqual([]);
    await soon(() => expect(times(front, / changed$/gm)).toBe(2));
    front.signal("SIGTERM");
    expect(await front.exit).toEqual({ code: 3 });
  });

  it("a restart within the ttl takes its old node over; maintenance and a reload are seen there", async () => {
    const store = await etcd();
    const config = (port: number) => ({ ...settings, services: [{ ...web, port, ttl: 30 }] });
    const first = await run({ config: config(8000), hostname: "box", net: store.net, words: app });
    await soon(async () => expect(await instances(store, "web")).toHaveLength(1));
    await first.kill();
    const second = await run({ config: config(8001), hostname: "box", net: store.net, words: app });
    await soon(async () => expect(await instances(store, "web")).toMatchObject([{ port: 8001 }]));
    expect(second.output).not.toMatch(/failed/);
    second.signal("SIGUSR1");
    await soon(async () => expect(await instances(store, "web")).toEqual([]));
    second.signal("SIGUSR1");
    await soon(async () => expect(await instances(store, "web")).toHaveLength(1));
    await reload(second, config(8002));
    await soon(async () => expect(await instances(store, "web")).toMatchObject([{ port: 8002 }]));
    second.signal("SIGTERM");
    expect(await second.exit).toEqual({ code: 3 });
  });

  it("that is the application itself, and knows its own address, is registered in", async () => {
    const net = await network();
    const url = "http://{{ .CONTAINERPILOT_ETCD_IP }}";
    const box = await run({
      config: {
        etcd: { endpoints: "http://127.0.0.1:2379" },
        services: [{ name: "etcd", port: 2379, poll: 1, ttl: 5, interfaces: "lo" }],
      },
      hostname: "box",
      net,
      words: [
        ...[server("etcd"), "--enable-v2", "--data-dir", "data"],
        ...["--listen-client-urls", `${url}:2379`, "--advertise-client-urls", `${url}:2379`],
        ...["--listen-peer-urls", `${url}:2380`],
      ],
      timeoutMs: 40_000,
    });
    await soon(async () => expect((await net.http(2379, "/health")).body).toContain('"true"'));
    await soon(async () => {
      const { body } = await net.http(2379, "/v2/keys/containerpilot/etcd?recursive=true");
      expect(body).toContain("/containerpilot/etcd/etcd-box");
    });
    await box.kill();
  });
});

describeContainers("a worker with etcd, as the original ran it", () => {
  it("ticks, times out, starts again, registers, and is killed at once", async () => {
    const store = await etcd();
    const box = await run({
      flags: [],
      env: { CONTAINERPILOT: "file://worker.json" },
      files: {
        "/etc/hosts": "127.0.0.1 localhost etcd\n",
        "worker.json": `{
  "etcd": { "endpoints": ["http://etcd:2379"], "prefix": "/own" },
  "logging": { "level": "INFO", "format": "json", "output": "stderr" },
  "stopTimeout": -1,
  "services": [ { "name": "worker", "port": 9000, "poll": 1, "ttl": 3, "tags": ["t"], "interfaces": "lo" } ],
  "tasks": [
    { "name": "quick", "command": ["echo", "tick"], "frequency": "700ms" },
    { "name": "slow", "command": ["sleep", "5"], "frequency": "1500ms", "timeout": "200ms" },
    { "command": "true", "frequency": 2 }
  ],
  "coprocesses": [
    { "name": "tail", "command": ["sh", "-c", "echo tail up; sleep 1; exit 2"], "restarts": 1 },
    { "command": "echo once", "restarts": "never" },
    { "name": "forever", "command": ["sleep", "0.9"], "restarts": "unlimited" }
  ]
}`,
      },
      hostname: "HOST",
      net: store.net,
      words: sh("trap 'echo TERM; exit 3' TERM; echo up; sleep 1000 & wait"),
    });
    const count = (message: string) => box.stderr.split(`"msg":${JSON.stringify(message)}`).length - 1;
    await soon(() => expect(count("coprocess[tail] exited (2): exit status 2")).toBe(2));
    await soon(() => expect(count("tick")).toBeGreaterThanOrEqual(3));
    await soon(() => expect(count("task[slow] timeout after 200ms: '[5]'")).toBeGreaterThanOrEqual(1));
    expect(count("tail up")).toBe(2);
    expect(count("once")).toBe(1);
    expect(box.stderr).toMatch(/"level":"info","msg":"tick","process":"task","task":"quick"/);
    expect(box.stderr).toMatch(/"coprocess":"","level":"info","msg":"once","process":"coprocess"/);
    expect(box.stderr).toMatch(/"level":"warning","msg":"killing command for task\[slow\]"/);
    expect(box.stderr).toMatch(/"level":"error","msg":"coprocess\[tail\] exited \(2\): exit status 2"/);
    expect(await instances(store, "worker")).toEqual([
      { id: "worker-HOST", name: "worker", address: "127.0.0.1", port: 9000, tags: null },
    ]);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 137 });
    expect(box.stderr).toMatch(/"msg":"Deregistering service: worker"[\s\S]*"msg":"signal: killed"/);
    expect(box.stdout).toBe("up\n");
  });
});
