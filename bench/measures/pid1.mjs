// What the init costs and how exact it is: CPU for an orphan, queued signals, the end of a stop, wrapped logs.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Container, now } from "../container.mjs";
import { program, root, sides } from "../sides.mjs";
import { compare, rounds } from "../stats.mjs";
import { settle } from "./life.mjs";

/** CPU of all threads of a process so far, ns (/proc/PID/schedstat). */
function cpuOf(pid) {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.reduce(
    (sum, tid) => sum + Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, "utf8").split(" ")[0]),
    0,
  );
}

/** V8 collects garbage of its own accord until some eight seconds after a start. */
const REST_MS = { containerpilot: 10_000 };

const ORPHANS = 2000;

/** CPU of PID 1 for each orphan, once it has come to rest after its start. */
export async function orphan(count) {
  const orphans = program("orphans");
  const names = ["tini", "dumb-init", "containerpilot"].filter((name) => name in sides());
  const values = await rounds(names, count, async (name) => {
    const box = new Container([...sides()[name], orphans, String(ORPHANS), "wait"]);
    await box.saw(/^ready$/m);
    const pid = await box.pid;
    await settle(REST_MS[name] ?? 500);
    const before = cpuOf(pid);
    await box.signal(40);
    await box.saw(/^reaped \d+$/m);
    const took = cpuOf(pid) - before;
    await box.exit;
    return took / 1000 / ORPHANS;
  });
  return { title: "orphan: CPU of PID 1 for each", unit: "µs", rows: compare(values, "tini") };
}

const QUEUED = 1000;

const QUIET_MS = 3000;

/** How many have arrived: all, or no more for a while. */
async function arrived(box) {
  let got = 0;
  for (let since = now(), seen = 0; got < QUEUED && Number(now() - since) / 1e6 < QUIET_MS; seen = got) {
    await settle(50);
    got = box.output.match(/^signal .*\n/gm)?.length ?? 0;
    if (got > seen) since = now();
  }
  return got;
}

/** Of 1000 real-time signals sent without a pause, so many reach the program. */
export async function queued(count) {
  const echoes = program("echoes");
  const names = ["tini", "containerpilot"].filter((name) => name in sides());
  const values = await rounds(names, count, async (name) => {
    const box = new Container([...sides()[name], echoes]);
    await box.saw(/^ready/m);
    await settle(500);
    for (let i = 0; i < QUEUED; i += 1) await box.signal(40);
    const got = await arrived(box);
    await box.kill();
    return got;
  });
  return { title: `queued: of ${QUEUED} real-time signals arrive`, unit: "", rows: compare(values, "tini") };
}

const GRACE_MS = 1000;

/** How long after its grace a program that ignores TERM is gone, and the container with it. */
export async function stubborn(count) {
  const config = JSON.stringify({ consul: "127.0.0.1:8500", stopTimeout: GRACE_MS / 1000 });
  const argv = [join(root, "dist/containerpilot"), "-config", config, join(root, "build/tools/ignores-term")];
  const values = await rounds(["containerpilot"], count, async () => {
    const box = new Container(argv);
    await box.saw(/^ready/m);
    await settle(500);
    const sent = now();
    await box.signal("SIGTERM");
    return Number((await box.exit).at - sent) / 1e6 - GRACE_MS;
  });
  return {
    title: "stubborn: TERM is ignored → gone, beyond the grace",
    unit: "ms",
    rows: compare(values, "containerpilot"),
  };
}

const MEGABYTES = 200;

function logSides(flood) {
  const job = { name: "flood", exec: [flood, String(MEGABYTES)] };
  const config = JSON.stringify({ consul: "127.0.0.1:8500", jobs: [job] });
  const s6 = spawnSync("sh", ["-c", "command -v s6-log"], { encoding: "utf8" }).stdout.trim();
  const plain = `${flood} ${MEGABYTES}`;
  return {
    raw: plain,
    ...(s6 && { "s6-log": `${plain} | ${s6} t 1` }),
    containerpilot: `${join(root, "dist/containerpilot")} -config '${config}'`,
  };
}

/** Lines of a job through the log, with time and name, against the bare pipe; and the CPU that takes. */
export async function logs(count) {
  const all = logSides(program("flood"));
  const reader = program("reader");
  const cpu = [];
  const values = await rounds(Object.keys(all), count, async (name) => {
    const box = new Container(["sh", "-c", `${all[name]} | ${reader}`]);
    const [, took, used] = await box.saw(/^flood (\d+) cpu (\d+)$/m);
    await box.exit;
    if (name === "containerpilot") cpu.push(Number(used) / 1e6 / MEGABYTES);
    return MEGABYTES / (Number(took) / 1e9);
  });
  const used = { name: "containerpilot, CPU", n: cpu.length, median: cpu.toSorted((a, b) => a - b)[cpu.length >> 1] };
  return { title: `logs: MB/s of ${MEGABYTES} MB; CPU: ms a MB`, unit: "", rows: [...compare(values, "raw"), used] };
}
