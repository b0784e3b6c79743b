// Memory of a containerpilot that does something: a catalog, and telemetry that was scraped.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { freePort, startConsul } from "../consul.mjs";
import { Container } from "../container.mjs";
import { program, sides } from "../sides.mjs";
import { compare, rounds } from "../stats.mjs";
import { settle } from "./life.mjs";

const SCRAPES = 200;
/** After the last scrape, for what is given back when nothing happens. */
const SETTLE_MS = 3000;

/** One keep-alive connection, as Prometheus has. */
async function scrape(port, count) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < count; i += 1) {
    const [answer] = await once(get({ host: "127.0.0.1", port, path: "/metrics", agent }), "response");
    answer.resume();
    await once(answer, "end");
  }
  agent.destroy();
}

/**
 * MiB. private: anonymous, which no other process could share; pages of the Node binary count as private or not by how many
 * processes have it open. rss: with those pages.
 */
export function memoryOf(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const sum = (pattern) => [...text.matchAll(pattern)].reduce((kib, [, value]) => kib + Number(value), 0) / 1024;
  return { private: sum(/^Anonymous: +(\d+)/gm), rss: sum(/^Rss: +(\d+)/gm) };
}

/** A containerpilot with a service in Consul and telemetry, after its scrapes. */
async function scraped(consul, env) {
  const ready = program("ready");
  const port = await freePort();
  const config = {
    consul: consul.address,
    services: [{ name: "web", port: 8000, poll: 1, ttl: 5, interfaces: "static:127.0.0.1" }],
    backends: [{ name: "db", poll: 1, onChange: "true" }],
    telemetry: {
      port,
      interfaces: ["static:127.0.0.1"],
      sensors: [{ name: "answers", help: "h", type: "gauge", poll: 5, check: ["echo", "1"] }],
    },
  };
  const box = new Container([...sides().containerpilot.slice(0, -1), JSON.stringify(config), ready, "wait"], { env });
  await box.saw(/^ready/m);
  for (let tries = 0; ; tries += 1) {
    try {
      await scrape(port, 1);
      break;
    } catch (error) {
      if (tries > 100) throw error;
      await settle(100);
    }
  }
  await scrape(port, SCRAPES);
  await settle(SETTLE_MS);
  const memory = memoryOf(await box.pid);
  await box.kill();
  return memory;
}

/** A Node script that does nothing but stay. */
async function bareNode(node) {
  const child = spawn(node, ["-e", "setInterval(() => {}, 1e6); console.log(1)"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  await settle(1000);
  const memory = memoryOf(child.pid);
  child.kill("SIGKILL");
  return memory;
}

/** @param {"private" | "rss"} kind */
async function measured(kind, count) {
  const consul = await startConsul();
  const node = process.env.CONTAINERPILOT_NODE ?? process.execPath;
  const env = process.env.CONTAINERPILOT_NODE === undefined ? {} : { CONTAINERPILOT_NODE: node };
  const once = {
    "node, a script that waits": () => bareNode(node),
    containerpilot: () => scraped(consul, env),
    "containerpilot, CONTAINERPILOT_MEMORY=small": () => scraped(consul, { ...env, CONTAINERPILOT_MEMORY: "small" }),
  };
  const values = await rounds(Object.keys(once), count, async (name) => (await once[name]())[kind]);
  consul.stop();
  return compare(values, "node, a script that waits");
}

export async function scrapedPrivate(count) {
  return {
    title: `memory: private, Consul and ${SCRAPES} scrapes`,
    unit: "MiB",
    rows: await measured("private", count),
  };
}

export async function scrapedRss(count) {
  return { title: `memory: resident, Consul and ${SCRAPES} scrapes`, unit: "MiB", rows: await measured("rss", count) };
}
