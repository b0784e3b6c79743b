// Benchmarks side by side, in one run on one machine: bench/run [quick] [json=FILE] [NAME…]. Ratios are what to quote.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { config } from "./measures/config.mjs";
import { control } from "./measures/control.mjs";
import { discovery, firstPassing, idle, laterPassing, requests } from "./measures/discovery.mjs";
import { instant } from "./measures/instant.mjs";
import { exit, memory, reap, signal, start, stop } from "./measures/life.mjs";
import { scrapedPrivate, scrapedRss } from "./measures/memory.mjs";
import { logs, orphan, queued, stubborn } from "./measures/pid1.mjs";
import { rebirth } from "./measures/rebirth.mjs";

/** Name → [measure, rounds]. */
const MEASURES = {
  start: [start, 25],
  instant: [instant, 25],
  exit: [exit, 15],
  stop: [stop, 15],
  signal: [signal, 7],
  reap: [reap, 7],
  orphan: [orphan, 7],
  queued: [queued, 5],
  stubborn: [stubborn, 7],
  logs: [logs, 7],
  memory: [memory, 5],
  scraped: [scrapedPrivate, 3],
  resident: [scrapedRss, 3],
  idle: [idle, 1],
  discovery: [discovery, 25],
  passing: [laterPassing, 15],
  "passing-at-once": [firstPassing, 15],
  requests: [requests, 1],
  control: [control, 15],
  config: [config, 15],
  rebirth: [rebirth, 15],
};

const quick = process.argv.includes("quick");
const json = process.argv.find((word) => word.startsWith("json="))?.slice("json=".length);
const asked = process.argv.slice(2).filter((word) => word !== "quick" && !word.startsWith("json="));
const unknown = asked.filter((name) => !(name in MEASURES));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: unknown ${unknown.join(", ")}; known: ${Object.keys(MEASURES).join(" ")}, quick and json=FILE\n`,
  );
  process.exit(64);
}

const kernel = execFileSync("uname", ["-r"], { encoding: "utf8" }).trim();
const cpu = cpus()[0]?.model ?? "unknown processor";
const machine = `${cpus().length} × ${cpu}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${kernel}, Node ${process.version}`;
/** As docs/performance.md is made from. */
const results = {
  date: new Date().toISOString().slice(0, 10),
  machine,
  load: [Number.POSITIVE_INFINITY, 0],
  measures: [],
};
process.stdout.write(
  `${machine}\n\n` + "| measure | side | n | median | ratio |\n| --- | --- | ---: | ---: | ---: |\n",
);
for (const name of asked.length > 0 ? asked : Object.keys(MEASURES)) {
  const [measure, count] = MEASURES[name];
  const { title, unit, rows } = await measure(quick ? Math.min(count, 3) : count);
  const load = Number(loadavg()[0].toFixed(1));
  results.load = [Math.min(results.load[0], load), Math.max(results.load[1], load)];
  results.measures.push({ name, title, unit, rows });
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 1)}\n`);
  for (const row of rows) {
    const ratio = row.ratio === undefined ? "" : row.ratio.toFixed(2);
    process.stdout.write(`| ${title} | ${row.name} | ${row.n} | ${row.median.toFixed(2)} ${unit} | ${ratio} |\n`);
  }
}
