/** `tasks`, `coprocesses` and the telemetry's sensors: what runs beside the application. */
import type { Cond, Job } from "../../plan.ts";
import { Ids } from "../names.ts";
import { jobOf, ONE_RUN, startOn } from "../parts.ts";
import { type StopRules, stopOf } from "../stop.ts";
import type { Config, Parts } from "./index.ts";
import type { SensorJob } from "./telemetry.ts";

/** What runs again and again keeps its budget: every tick would use one restart up. */
const FOREVER = { ...ONE_RUN, limit: Number.POSITIVE_INFINITY };

export function periodicJobs(
  parts: Parts,
  config: Config,
  rules: StopRules,
  begin: Cond,
  sensors: readonly SensorJob[],
): void {
  const stop = stopOf(rules, { order: ["signal"], target: "group", leftovers: "kill" });
  const ids = new Ids();
  // What a task leaves running in the background stays, as with ContainerPilot 2.7.8.
  const keeps: Job["stop"] = { ...stop, leftovers: "keep" };
  const every = (id: string, period: number, rest: Partial<Job>): void => {
    const start: Job["start"] = { ...startOn(begin), every: { period, first: "later" } };
    parts.jobs.push(jobOf({ id, start, stop, restart: FOREVER, maintenancePauses: true, ...rest }));
  };
  for (const { name, command, frequency, timeout = frequency } of config.tasks) {
    const shown = name || command.join(" ");
    const id = ids.take(`task.${shown}`);
    every(id, frequency.ms, { timeout: timeout.ms, stop: keeps });
    parts.commands[id] = {
      argv: command,
      label: `task[${shown}]`,
      stdin: "null",
      output: "log",
      fields: { process: "task", task: name ?? "" },
      timeoutText: timeout.text,
    };
  }
  for (const { name, command, restarts = 0 } of config.coprocesses) {
    const shown = name || command.join(" ");
    const id = ids.take(`coprocess.${shown}`);
    parts.jobs.push(
      jobOf({
        id,
        start: startOn(begin),
        restart: { ...ONE_RUN, limit: restarts },
        stop: { ...stop, rank: 1 },
        onReload: "restart",
      }),
    );
    parts.commands[id] = {
      argv: command,
      label: `coprocess[${shown}]`,
      stdin: "null",
      output: "log",
      fields: { process: "coprocess", coprocess: name ?? "" },
      // The name that ContainerPilot 2.7.8 gives it, which no shell can read, and the one that its documentation promises.
      pidVariables: [`COPROCESS[${shown}]`, shown.replace(/[^a-zA-Z0-9]+/g, "_")].map(
        (part) => `CONTAINERPILOT_${part.toUpperCase()}_PID`,
      ),
    };
  }
  for (const { id, every: period, argv, timeout, label } of sensors) {
    every(id, period, { captures: true, timeout: timeout?.ms || Number.POSITIVE_INFINITY });
    parts.commands[id] = {
      argv,
      label,
      stdin: "null",
      output: "capture",
      fields: {},
      ...(timeout?.ms && { timeoutText: timeout.text }),
    };
  }
}
