/** What a configuration is, in a few lines: what runs, and who ends the container with which code. */
import type { CatalogSettings, Job, Loaded } from "../plan.ts";

export interface Summary {
  dialect: Loaded["dialect"];
  jobs: number;
  services: readonly string[];
  watches: readonly string[];
  catalog: string;
  /** Situations and what the container's exit code is in them. */
  ends: readonly { when: string; code: string }[];
}

export function summaryOf({ dialect, plan, deeds }: Loaded): Summary {
  return {
    dialect,
    jobs: plan.jobs.length,
    services: Object.values(deeds.services).map(({ name, port }) => `${name}:${port}`),
    watches: Object.values(deeds.watches).map(({ name }) => name),
    catalog: catalogWords(deeds.catalog),
    ends: endsOf(plan),
  };
}

function catalogWords(catalog: CatalogSettings): string {
  switch (catalog.kind) {
    case "consul":
      return catalog.address === ""
        ? "consul at its default address"
        : `consul at ${catalog.scheme ?? "http"}://${catalog.address}`;
    case "etcd":
      return `etcd ${catalog.version} at ${catalog.endpoints.join(", ")}`;
    case "directory":
      return `directory ${catalog.path}`;
    default:
      return catalog satisfies never;
  }
}

/** The table of ends, from the Plan's rules. */
function endsOf({ jobs, ends, stop }: Loaded["plan"]): Summary["ends"] {
  const table: { when: string; code: string }[] = [];
  const main = jobs.find((job) => job.main && job.exec);
  if (ends.when === "mainEnds" && main) {
    table.push({ when: `${main.id} ends by itself`, code: codeWords(ends.code, main) });
    table.push({ when: `a stop ends ${main.id}`, code: codeWords(ends.code, main) });
    if (ends.neverStarted === "signal") {
      table.push({ when: `a stop before ${main.id} ever ran`, code: "128 + the signal" });
    }
  } else if (ends.when === "allDone") table.push({ when: "all jobs are done", code: codeWords(ends.code, main) });
  else table.push({ when: "a stop is asked for", code: "0" });
  for (const { id, restart } of jobs) {
    if (restart.spent === "stopContainer") table.push({ when: `${id} fails for good`, code: `${id}'s` });
  }
  for (const id of ends.overrides) {
    const own = jobs.find((job) => job.id === id)?.restart.spent === "stopContainer";
    if (!own) table.push({ when: `${id} fails`, code: `${id}'s` });
  }
  for (const [from, to] of Object.entries(ends.map)) table.push({ when: `it would be ${from}`, code: String(to) });
  if (stop.within < Number.POSITIVE_INFINITY) {
    table.push({ when: `a stop takes longer than ${stop.within} ms`, code: "as above, what is left is killed" });
  }
  return table;
}

function codeWords(code: Loaded["plan"]["ends"]["code"], main: Job | undefined): string {
  switch (code) {
    case "main":
      return `${main?.id ?? "main"}'s, 128 + n for signal n`;
    case "firstFailure":
      return "the first code that is not 0, else 0";
    case "worst":
      return "the highest code of all";
    case "zero":
      return "0";
    default:
      return code satisfies never;
  }
}
