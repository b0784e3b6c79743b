/** What a memory limit of an engine's leaves room for: a catalog, telemetry that is scraped, and an application beside it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { root } from "../e2e/harness.ts";
import { Engine, tryEngine } from "./engine.ts";
import { configured, EngineContainer } from "./engine-containers.ts";
import { buildBases } from "./engine-images.ts";
import { nodeOf } from "./node.ts";

/** How long its memory is watched after the first 200 scrapes. */
const seconds = Number(process.env.MEMORY_SECONDS ?? 60);
const MIB = 2 ** 20;
/** A container that thrashes has ten times as many in this time: its pages are read from disk again and again. */
const majorFaultsMax = 60;

const tried = await tryEngine();
const refused = tried instanceof Engine ? undefined : tried.refused;
let engine: Engine;

const settings = {
  consul: "127.0.0.1:8500",
  services: [{ name: "web", port: 8000, poll: 1, ttl: 5, interfaces: "static:127.0.0.1", health: "true" }],
  backends: [{ name: "web", poll: 1, onChange: "true" }],
  telemetry: {
    port: 9090,
    interfaces: ["static:127.0.0.1"],
    sensors: [{ name: "answers", help: "h", type: "gauge", poll: 5, check: ["echo", "1"] }],
  },
};
const application = 'trap "exit 3" TERM; echo ready; while :; do sleep 0.5; done';

/** Scrapes over one connection, as Prometheus does, `times` with `pause` ms between. */
const scraper = `
const { Agent, get } = require("node:http");
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const [times, pause] = process.argv.slice(1).map(Number);
const once = () => new Promise((settle, refuse) => get({ host: "127.0.0.1", port: 9090, path: "/metrics", agent },
  (answer) => answer.resume().once("end", () => settle(answer.statusCode))).once("error", refuse));
(async () => {
  for (let n = 0; n < times; n += 1) {
    if ((await once()) !== 200) throw new Error("no metrics");
    await new Promise((settle) => setTimeout(settle, pause));
  }
  agent.destroy();
})();`;

const title = refused === undefined ? "within a memory limit" : `within a memory limit (skipped: ${refused})`;
if (refused !== undefined) process.stderr.write(`memory limits skipped: ${refused}\n`);

/** Of PID 1, as the machine sees it: bytes that are its own, bytes resident, and faults that read from disk. */
function held(pid: number): { own: number; resident: number; majorFaults: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const bytes = (key: string) => Number(new RegExp(`^${key}: +(\\d+)`, "m").exec(text)?.[1]) * 1024;
  // proc(5): majflt is the twelfth, the tenth behind the name.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return { own: bytes("Anonymous"), resident: bytes("Rss"), majorFaults: Number(fields[9]) };
}

describe.skipIf(refused !== undefined)(title, () => {
  let consul: EngineContainer;
  const mounted = (from: string, to: string) => ["--volume", `${from}:${to}:ro`];
  const scrapes = (times: number, pause: number) => ["/node", "-e", scraper, String(times), String(pause)];

  beforeAll(async () => {
    if (!(tried instanceof Engine)) return;
    engine = tried;
    buildBases(engine);
    consul = await EngineContainer.run(
      engine,
      ...["--network", "none", ...mounted(join(root, ".tools/consul/usr/bin/consul"), "/consul")],
      ...[...mounted(nodeOf("24"), "/node"), "debian:bookworm-slim"],
      ...["/consul", "agent", "-dev", "-bind", "127.0.0.1", "-client", "127.0.0.1", "-log-level", "err"],
    );
  }, 1_800_000);

  it.each([
    ["20", 64, 12],
    ["22", 96, 15],
    ["24", 96, 15],
  ] as const)(
    "Node %s, %i MiB: lives through 200 scrapes without reading its own pages again, at most %i MiB its own, and keeps to that",
    async (major, limit, ownMax) => {
      const node = process.versions.node.startsWith(`${major}.`) ? process.execPath : nodeOf(major);
      const container = await EngineContainer.run(
        engine,
        ...["--network", `container:${consul.name}`, "--memory", `${limit}m`, "--memory-swap", `${limit}m`],
        ...["--env", "CONTAINERPILOT_MEMORY=small", "--env", "CONTAINERPILOT_NODE=/node"],
        ...[...mounted(join(root, "dist"), "/opt/containerpilot"), ...mounted(node, "/node")],
        ...[...configured(settings), "--entrypoint", "/opt/containerpilot/containerpilot", "debian:bookworm-slim"],
        ...["-config", "file:///etc/containerpilot.json", "sh", "-c", application],
      );
      await container.waitForLog(/Listening on 127\.0\.0\.1:9090/);
      const { pid } = await container.init();
      const exec = (...words: string[]) => engine.client(["exec", consul.name, ...words], { timeoutMs: 600_000 });
      expect(await exec(...scrapes(5, 100))).toMatchObject({ code: 0, stderr: "" });
      const before = held(pid);
      expect(await exec(...scrapes(200, 0))).toMatchObject({ code: 0, stderr: "" });
      const scraped = held(pid);
      await engine.ok("kill", "--signal", "HUP", container.name);
      expect(await exec(...scrapes(seconds * 4, 250))).toMatchObject({ code: 0, stderr: "" });
      const after = held(pid);
      process.stderr.write(`memory: ${JSON.stringify({ major, limit, before, scraped, after })}\n`);
      expect((await engine.state(container.name)).OOMKilled).toBe(false);
      expect(after.majorFaults - before.majorFaults).toBeLessThanOrEqual(majorFaultsMax);
      expect(scraped.own).toBeLessThanOrEqual(ownMax * MIB);
      expect(after.own).toBeLessThanOrEqual(1.1 * scraped.own);
      await container.stop(60);
      expect(await container.ended()).toBe(3);
    },
    1_200_000,
  );
});
