/** The application of the command line, and the hooks around it. */
import type { Cond, Job } from "../../plan.ts";
import type { Context } from "../context.ts";
import { jobOf, ONE_RUN, probeOf, STARTUP, startOn } from "../parts.ts";
import { type StopRules, stopOf } from "../stop.ts";
import type { Config, Parts } from "./index.ts";
import type { Advertised } from "./services.ts";

/**
 * `preStart`, `preStop` and `postStop`: their output goes straight through. What they leave running in the background stays, as
 * with ContainerPilot 2.7.8: before there were coprocesses, that was how an image started its agent.
 */
export function hookJobs(
  parts: Parts,
  config: Config,
  rules: StopRules,
  preStart: readonly string[] | undefined,
): void {
  const stop = stopOf(rules, { order: ["signal"], target: "group", leftovers: "keep" });
  const hook = (id: string, argv: readonly string[] | undefined, rest: Pick<Job, "start"> & Partial<Job>): void => {
    if (argv === undefined) return;
    parts.jobs.push(jobOf({ id, stop, ...rest }));
    parts.commands[id] = {
      argv,
      label: id,
      stdin: "null",
      output: "inherit",
      fields: {},
      pidVariables: [`CONTAINERPILOT_${id.toUpperCase()}_PID`],
    };
  };
  hook("preStart", preStart, {
    start: startOn(STARTUP),
    restart: { ...ONE_RUN, spent: "stopContainer" },
    onReload: "keep",
  });
  hook("preStop", config.preStop, { start: startOn({ fact: "stopping", source: "app", only: "asked" }) });
  hook("postStop", config.postStop, { start: startOn({ fact: "stopped", source: "app", only: "ran" }) });
}

/** The job that all services and their probes hang on; without words it runs without a process. */
export async function appJob(
  parts: Parts,
  services: readonly Advertised[],
  rules: StopRules,
  begin: Cond,
  environment: Readonly<Record<string, string>>,
  context: Context,
): Promise<void> {
  const probes = services.map(({ probe, service, seconds, health }) => {
    const timeout = health?.timeout;
    if (health) {
      parts.commands[probe] = {
        argv: health.argv,
        label: `${service.name}.health`,
        stdin: "null",
        output: "log",
        fields: { process: "health", serviceName: service.name, serviceID: service.id },
        ...(timeout && { timeoutText: timeout.text }),
      };
    }
    return probeOf(probe, health ? "exec" : "always", seconds, {
      ...(timeout && { timeout: timeout.ms }),
      service: { id: service.id, ttl: service.ttl },
    });
  });
  parts.jobs.push(
    jobOf({
      id: "app",
      main: true,
      exec: context.words.length > 0,
      start: startOn(begin),
      stop: stopOf(rules, {
        order: ["withdraw", "drain", "hooks", "signal"],
        target: "process",
        leftovers: "keep",
        ...(rules.drain && services.length > 0 ? { drain: rules.drain } : {}),
      }),
      probes,
      onReload: "keep",
    }),
  );
  if (context.words.length > 0) {
    parts.commands.app = {
      argv: await renderWords(environment, context),
      label: "APP",
      stdin: "inherit",
      output: "inherit",
      fields: {},
      pidVariables: ["CONTAINERPILOT_APP_PID"],
    };
  }
}

/** Each word is a template of its own; when one of them fails, all stay as they are, with a warning. */
async function renderWords(
  environment: Readonly<Record<string, string>>,
  context: Context,
): Promise<readonly string[]> {
  const rendered: string[] = [];
  for (const word of context.words) {
    try {
      rendered.push(await context.render(word, environment));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      context.problems.warn("words-unrendered", [], { found: word, about: { reason } });
      return context.words;
    }
  }
  return rendered;
}
