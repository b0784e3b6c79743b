// Start, exit, stop, signal and reap of every side.
import { readFileSync } from "node:fs";
import { Container, now } from "../container.mjs";
import { program, sides } from "../sides.mjs";
import { compare, rounds } from "../stats.mjs";

const ms = (ns) => Number(ns) / 1e6;
const stamp = (match) => BigInt(match[1]);

/** Exec of the entrypoint → the program's first instruction, with a bare Node start beside. */
export async function start(count) {
  const ready = program("ready");
  const all = { ...sides(), "node -e 0": [process.execPath, "-e", "0"] };
  const values = await rounds(Object.keys(all), count, async (name) => {
    if (name === "node -e 0") {
      const bare = new Container([...all[name]]);
      return ms((await bare.exit).at - bare.began);
    }
    const box = new Container([...all[name], ready]);
    const first = stamp(await box.saw(/^ready (\d+)$/m));
    await box.exit;
    return ms(first - box.began);
  });
  return { title: "start: exec → the program's first instruction", unit: "ms", rows: compare(values, "naive Node") };
}

/** The program's end → the container is gone. */
export async function exit(count) {
  const ready = program("ready");
  const values = await rounds(Object.keys(sides()), count, async (name) => {
    const box = new Container([...sides()[name], ready]);
    const last = stamp(await box.saw(/^end (\d+)$/m));
    return ms((await box.exit).at - last);
  });
  return { title: "exit: the program's end → the container is gone", unit: "ms", rows: compare(values, "tini") };
}

/** TERM → the container is gone, with a program that ends on TERM. */
export async function stop(count) {
  const ready = program("ready");
  const names = Object.keys(sides()).filter((name) => name !== "naive Node");
  const values = await rounds(names, count, async (name) => {
    const box = new Container([...sides()[name], ready, "wait"]);
    await box.saw(/^ready/m);
    await settle(300);
    const sent = now();
    await box.signal("SIGTERM");
    return ms((await box.exit).at - sent);
  });
  return { title: "stop: TERM → the container is gone", unit: "ms", rows: compare(values, "tini") };
}

const SIGNALS = 200;

/** A real-time signal to PID 1 → the program has it; one value is the median of a run. */
export async function signal(count) {
  const echoes = program("echoes");
  const names = ["tini", "dumb-init", "containerpilot"].filter((name) => name in sides());
  const values = await rounds(names, count, async (name) => {
    const box = new Container([...sides()[name], echoes]);
    await box.saw(/^ready/m);
    await settle(500);
    const took = [];
    for (let i = 0; i < SIGNALS; i += 1) {
      box.output = "";
      const sent = now();
      await box.signal(40);
      took.push(Number(stamp(await box.saw(/^signal (\d+)$/m)) - sent) / 1000);
      await settle(2);
    }
    await box.kill();
    took.sort((a, b) => a - b);
    return took[SIGNALS / 2];
  });
  return {
    title: `signal: PID 1 has it → the program has it (${SIGNALS} a run)`,
    unit: "µs",
    rows: compare(values, "tini"),
  };
}

const ORPHANS = 2000;

/** Orphans made and reaped. */
export async function reap(count) {
  const orphans = program("orphans");
  const names = Object.keys(sides()).filter((name) => name !== "naive Node");
  const values = await rounds(names, count, async (name) => {
    const box = new Container([...sides()[name], orphans, String(ORPHANS)]);
    const took = stamp(await box.saw(/^reaped (\d+)$/m));
    await box.exit;
    return ms(took);
  });
  return { title: `reap: ${ORPHANS} orphans made and reaped`, unit: "ms", rows: compare(values, "tini") };
}

/** Private memory of PID 1 (and of a worker of its own), after half a second. */
export async function memory(count) {
  const ready = program("ready");
  const values = await rounds(Object.keys(sides()), count, async (name) => {
    const box = new Container([...sides()[name], ready, "wait"]);
    await box.saw(/^ready/m);
    await settle(1500);
    const pid = await box.pid;
    const own = [
      pid,
      ...childrenOf(pid).filter((child) => !readFileSync(`/proc/${child}/cmdline`).includes("build/bench")),
    ];
    const bytes = own.map(privateKiB).reduce((a, b) => a + b, 0);
    await box.kill();
    return bytes / 1024;
  });
  return { title: "memory: private, idle", unit: "MiB", rows: compare(values, "tini") };
}

function childrenOf(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

function privateKiB(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return [...text.matchAll(/^Private_(?:Clean|Dirty): +(\d+)/gm)].reduce((sum, [, kib]) => sum + Number(kib), 0);
}

export function settle(waitMs) {
  return new Promise((resolve) => setTimeout(resolve, waitMs));
}
