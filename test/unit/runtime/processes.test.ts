/** Starts for which there is no room in the native half. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import type { Pilot } from "../../../src/native/pilot.ts";
import type { Command, Deeds } from "../../../src/plan.ts";
import type { Endings } from "../../../src/runtime/endings.ts";
import { Environment } from "../../../src/runtime/environment.ts";
import { Lazy } from "../../../src/runtime/lazy.ts";
import { Processes, type Unnumbered } from "../../../src/runtime/processes.ts";

const ENOBUFS = 105;
const command: Command = { argv: ["/bin/true"], label: "x", stdin: "null", output: "inherit", fields: {} };
const deeds = { commands: { x: command } } as unknown as Deeds;

/** A native half with room for so many runs. */
function stage(room: number) {
  const spawned: number[] = [];
  const free = { room };
  const pilot = {
    policy() {},
    signal: () => 0,
    spawnFailure: () => "exec",
    spawn({ run }: { run: number }) {
      if (free.room === 0) return -ENOBUFS;
      free.room -= 1;
      spawned.push(run);
      return 100 + run;
    },
  } as unknown as Pilot;
  const inputs: Unnumbered[] = [];
  const endings = new Lazy(
    async () => ({ refused() {} }) as unknown as Endings,
    (error) => {
      throw error;
    },
  );
  const processes = new Processes(pilot, new Environment({}), endings, (input) => inputs.push(input));
  const spawn = (run: number): void => processes.spawn({ t: "spawn", cause: 1, run, job: "x" }, deeds);
  return { spawned, free, inputs, processes, spawn };
}

it("wait in order until there is room, and nobody is told that they failed", async () => {
  const { spawned, free, inputs, spawn } = stage(1);
  for (const run of [1, 2, 3, 4]) spawn(run);
  expect(spawned).toEqual([1]);
  await sleep(50);
  free.room = 2;
  await vi.waitFor(() => expect(spawned).toEqual([1, 2, 3]));
  free.room = 1;
  await vi.waitFor(() => expect(spawned).toEqual([1, 2, 3, 4]));
  expect(inputs.map(({ t }) => t)).toEqual(["spawned", "spawned", "spawned", "spawned"]);
});

it("are given up by a signal to one that waits", async () => {
  const { spawned, free, inputs, processes, spawn } = stage(1);
  for (const run of [1, 2, 3]) spawn(run);
  processes.signal(2, 15, "group");
  const given = { t: "spawnFailed", run: 2, errno: "ECANCELED" };
  await vi.waitFor(() => expect(inputs.at(-1)).toMatchObject(given));
  free.room = 2;
  await vi.waitFor(() => expect(spawned).toEqual([1, 3]));
});

it("fail where nothing runs whose end would make room", async () => {
  const { inputs, spawn } = stage(0);
  spawn(1);
  await vi.waitFor(() => expect(inputs).toEqual([{ t: "spawnFailed", run: 1, errno: "ENOBUFS", code: 126 }]));
});
