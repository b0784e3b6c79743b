// What the catalog costs and how fast it is: containerpilot, and the original where it is given.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startConsul, startCounter } from "../consul.mjs";
import { Container, now } from "../container.mjs";
import { program, sides } from "../sides.mjs";
import { compare, median } from "../stats.mjs";
import { settle } from "./life.mjs";

const POLL_S = 10;
const IDLE_S = 60;

const pilots = () => Object.entries(sides()).filter(([name]) => name === "containerpilot" || name === "original");

/** The side's argv with another configuration. */
const withConfig = (argv, config) => [...argv.slice(0, -1), JSON.stringify(config)];

const rowsOf = (values) => compare(values, Object.keys(values)[0]);

/** Consul is told of a change → the first instruction of onChange. */
export async function discovery(count) {
  const consul = await startConsul();
  const ready = program("ready");
  const values = {};
  for (const [name, argv] of pilots()) {
    const backends = [{ name: "web", poll: POLL_S, onChange: ready }];
    const box = new Container([...withConfig(argv, { consul: consul.address, backends }), ready, "wait"]);
    await box.saw(/^ready/m);
    await settle(1500);
    values[name] = [];
    for (let i = 0; i < count; i += 1) {
      box.output = "";
      const [path, body] =
        i % 2 === 0
          ? ["/v1/agent/service/register", { ID: "web-1", Name: "web", Address: "127.0.0.1", Port: 8000 + i }]
          : ["/v1/agent/service/deregister/web-1", {}];
      const told = now();
      await consul.call(path, body);
      values[name].push(Number(BigInt((await box.saw(/ready (\d+)/))[1]) - told) / 1e6);
      await settle(300);
    }
    await box.kill();
  }
  consul.stop();
  return {
    title: `discovery: change → onChange's first instruction (poll ${POLL_S})`,
    unit: "ms",
    rows: rowsOf(values),
  };
}

/** The end of the first good check → an onlooker's blocking query sees the service passing; good from the start. */
export async function firstPassing(count) {
  const rows = rowsOf(await passingTimes(count, false));
  return { title: "good from the start: first check's end → passing in Consul", unit: "ms", rows };
}

/** The same with an application that, as most, takes longer to become healthy than an init to load its client. */
export async function laterPassing(count) {
  const rows = rowsOf(await passingTimes(count, true));
  return { title: "first good check's end → passing in Consul", unit: "ms", rows };
}

async function passingTimes(count, later) {
  const consul = await startConsul();
  const ready = program("ready");
  const folder = mkdtempSync(join(tmpdir(), "bench-passing-"));
  const values = {};
  for (const [name, argv] of pilots()) {
    values[name] = [];
    for (let i = 0; i < count; i += 1) {
      const up = join(folder, `${name}-${i}`);
      const health = later ? ["/bin/sh", "-c", `test -e ${up} && exec ${ready}`] : ready;
      const service = { name: `web${i}`, port: 8000, poll: 1, ttl: 60, health, interfaces: "static:127.0.0.1" };
      const box = new Container([
        ...withConfig(argv, { consul: consul.address, services: [service] }),
        ...[ready, "wait"],
      ]);
      const seen = passing(consul, service.name);
      if (later) {
        await settle(500);
        writeFileSync(up, "");
      }
      const end = BigInt((await box.saw(/end (\d+)/))[1]);
      values[name].push(Number((await seen) - end) / 1e6);
      await box.kill();
    }
  }
  consul.stop();
  rmSync(folder, { recursive: true });
  return values;
}

async function passing(consul, name) {
  for (let index = "0"; ; ) {
    const answer = await consul.call(`/v1/health/service/${name}?passing=1&wait=30s&index=${index}`);
    if (answer.body.length > 0) return now();
    index = answer.index;
  }
}

/** Requests to Consul in a minute, with ten backends at poll 1 and nothing happening. */
export async function requests() {
  const consul = await startConsul();
  const ready = program("ready");
  const values = {};
  for (const [name, argv] of pilots()) {
    const counter = await startCounter(consul.address);
    const backends = Array.from({ length: 10 }, (_, i) => ({ name: `web${i}`, poll: 1, onChange: "true" }));
    const box = new Container([...withConfig(argv, { consul: counter.address, backends }), ready, "wait"]);
    await box.saw(/^ready/m);
    await settle(3000);
    const before = counter.requests;
    await settle(IDLE_S * 1000);
    values[name] = [counter.requests - before];
    await box.kill();
    counter.stop();
  }
  consul.stop();
  return { title: "requests in a minute, 10 backends at poll 1, idle", unit: "", rows: rowsOf(values) };
}

/** Wake-ups a second with one heartbeat every ten seconds. */
export async function idle() {
  const consul = await startConsul();
  const ready = program("ready");
  const values = {};
  for (const [name, argv] of pilots()) {
    const services = [{ name: "web", port: 8000, poll: POLL_S, ttl: 30, interfaces: "static:127.0.0.1" }];
    const box = new Container([...withConfig(argv, { consul: consul.address, services }), ready, "wait"]);
    await box.saw(/^ready/m);
    await settle(20_000);
    const pid = await box.pid;
    const before = switches(pid);
    await settle(IDLE_S * 1000);
    values[name] = [(switches(pid) - before) / IDLE_S];
    await box.kill();
  }
  consul.stop();
  const title = `idle: wake-ups a second, one heartbeat every ${POLL_S} s`;
  return { title, unit: "/s", rows: rowsOf(values).map((row) => ({ ...row, median: median(values[row.name]) })) };
}

/** Voluntary context switches of all threads so far. */
function switches(pid) {
  return readdirSync(`/proc/${pid}/task`)
    .map((tid) => readFileSync(`/proc/${pid}/task/${tid}/status`, "utf8"))
    .reduce((sum, status) => sum + Number(/^voluntary_ctxt_switches:\t(\d+)/m.exec(status)?.[1] ?? 0), 0);
}
