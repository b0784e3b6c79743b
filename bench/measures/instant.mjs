// Instant start: the launcher starts the application before it becomes Node.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Container } from "../container.mjs";
import { bare, program, root, sides } from "../sides.mjs";
import { compare, rounds } from "../stats.mjs";

const stamp = (match) => BigInt(match[1]);

/** The entrypoint's own exec → the program's first instruction: without what it takes to make a container. */
export async function instant(count) {
  const execs = program("execs");
  const ready = program("ready");
  const { tini, "dumb-init": dumb, containerpilot } = sides();
  const all = { tini, "dumb-init": dumb, containerpilot, "containerpilot, compiled": compiled() };
  const names = Object.keys(all).filter((name) => all[name]);
  const values = await rounds(names, count, async (name) => {
    const box = new Container([execs, ...all[name], ready]);
    const began = stamp(await box.saw(/^exec (\d+)$/m));
    const first = stamp(await box.saw(/^ready (\d+)$/m));
    await box.exit;
    return Number(first - began) / 1e6;
  });
  return { title: "instant start: exec → the program's first instruction", unit: "ms", rows: compare(values, "tini") };
}

/** The same configuration as of the other side, in a file. */
function compiled() {
  const config = join(root, "build/bench/instant.json");
  writeFileSync(config, bare);
  const made = spawnSync(process.execPath, [join(root, "dist/cpctl.cjs"), "compile", "--strict", config]);
  if (made.status !== 0) throw new Error(`cpctl compile: ${made.stdout}${made.stderr}`);
  return [join(root, "dist/containerpilot"), "-config", `file://${config}`];
}
