/** `backends`: services of others that are watched, and what runs when they change. */
import type { Cond, Leaf } from "../../plan.ts";
import type { Context } from "../context.ts";
import { Ids } from "../names.ts";
import { jobOf, startOn } from "../parts.ts";
import { type StopRules, stopOf } from "../stop.ts";
import type { Config, Parts } from "./index.ts";
import { checkName } from "./services.ts";

/** One watch and one job a backend. The job waits for the application's first good health, or one poll. */
export function backendJobs(parts: Parts, config: Config, rules: StopRules, begin: Cond, context: Context): void {
  const ids = new Ids();
  for (const { at, name, poll, onChange, timeout, tag } of config.backends) {
    checkName(name, at, context);
    const id = ids.take(name);
    const watch = `watch.${id}`;
    parts.watches.push({
      id: watch,
      print: "",
      from: begin as Leaf,
      maintenancePauses: true,
      whenUnavailable: "keep",
    });
    parts.dependencies[watch] = { name, ...(tag && { tag }), poll: poll * 1000 };
    const job = `onChange.${id}`;
    parts.jobs.push(
      jobOf({
        id: job,
        start: {
          ...startOn({ fact: "changed", source: watch }, Number.POSITIVE_INFINITY),
          hold: { fact: "healthy", source: "app" },
          holdMax: poll * 1000,
        },
        timeout: timeout?.ms || Number.POSITIVE_INFINITY,
        stop: stopOf(rules, { order: ["signal"], target: "group", leftovers: "keep" }),
      }),
    );
    parts.commands[job] = {
      argv: onChange,
      label: `${name}.onChange`,
      stdin: "null",
      output: "log",
      fields: { process: "onChange", backend: name },
      ...(timeout?.ms && { timeoutText: timeout.text }),
    };
  }
}
