/** `cpctl status`: what runs, on one screen. */
import type { Outcome } from "../control/questions.ts";
import { ask } from "./ask.ts";

/** As the control socket gives it under /status; its fields are documented there (docs/control.md). */
interface Status {
  state: string;
  maintenance: boolean;
  jobs: readonly { name: string; state: string; health: string; seconds: number; pid?: number; lastEnd?: string }[];
  services: readonly { name: string; address: string; port: number; status: string }[];
  watches: readonly { name: string; instances: number }[];
}

/** @param socket where to ask; without it, the usual places */
export async function status(
  socket: string | undefined,
  json: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Outcome> {
  const outcome = await ask("status", { ask: "status" }, socket, env);
  return outcome.code !== 0 || json ? outcome : { ...outcome, out: screenOf(JSON.parse(outcome.out) as Status) };
}

/** Tables, one under another; what there is none of is left out. */
export function screenOf({ state, maintenance, jobs, services, watches }: Status): string {
  const tables = [
    [
      ["JOB", "STATE", "HEALTH", "PID", "FOR", "LAST END"],
      ...jobs.map((job) => [
        job.name,
        job.state,
        job.health,
        String(job.pid ?? "-"),
        spanOf(job.seconds),
        job.lastEnd ?? "-",
      ]),
    ],
    [
      ["SERVICE", "ADDRESS", "STATUS"],
      ...services.map(({ name, address, port, status: how }) => [name, `${address}:${port}`, how]),
    ],
    [["WATCH", "INSTANCES"], ...watches.map(({ name, instances }) => [name, String(instances)])],
  ];
  const head = `${state}${maintenance ? ", in maintenance" : ""}\n`;
  return [head, ...tables.filter((rows) => rows.length > 1).map(alignedOf)].join("\n");
}

/** Columns as wide as their widest cell. */
function alignedOf(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) => `${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")}`.trimEnd() + "\n")
    .join("");
}

/** `5s`, `3m05s`, `2h07m`, `4d03h`. */
function spanOf(seconds: number): string {
  const units: readonly [string, number, string, number][] = [
    ["d", 86_400, "h", 3600],
    ["h", 3600, "m", 60],
    ["m", 60, "s", 1],
  ];
  for (const [big, size, small, part] of units) {
    if (seconds < size) continue;
    const rest = String(Math.floor((seconds % size) / part)).padStart(2, "0");
    return `${Math.floor(seconds / size)}${big}${rest}${small}`;
  }
  return `${seconds}s`;
}
