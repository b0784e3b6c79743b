// What a hook pays for asking the running container.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Container, now } from "../container.mjs";
import { root } from "../sides.mjs";
import { compare, rounds } from "../stats.mjs";

const CALLS = 50;

/** A process that asks and ends, beside /bin/true; one value is the mean of a run of calls from a shell. */
export async function control(count) {
  const folder = mkdtempSync(join(tmpdir(), "bench-control-"));
  const socket = join(folder, "c.sock");
  const config = JSON.stringify({
    consul: "127.0.0.1:1",
    control: { socket },
    jobs: [{ name: "main", exec: "sleep 600" }],
    telemetry: {
      port: 19_977,
      interfaces: ["static:127.0.0.1"],
      metrics: [{ name: "k", type: "counter", help: "calls" }],
    },
  });
  const launcher = join(root, "dist/containerpilot");
  const box = new Container([launcher, "-config", config], { options: ["--bind", folder] });
  await box.saw(/control: serving at/);
  const programs = {
    "/bin/true": "/bin/true",
    "-ping": `${launcher} -ping`,
    "-putmetric k=1": `${launcher} -putmetric k=1`,
  };
  const values = await rounds(Object.keys(programs), count, async (name) => {
    const script = `i=0; while [ $i -lt ${CALLS} ]; do ${programs[name]} >/dev/null || exit 1; i=$((i+1)); done`;
    const began = now();
    const { status } = spawnSync("/bin/sh", ["-c", script], {
      env: { CONTAINERPILOT_SOCKET: socket },
      stdio: "inherit",
    });
    if (status !== 0) throw new Error(`${name} failed`);
    return Number(now() - began) / 1e6 / CALLS;
  });
  await box.kill();
  rmSync(folder, { recursive: true });
  return { title: `control: a call from a shell (${CALLS} a run)`, unit: "ms", rows: compare(values, "/bin/true") };
}
