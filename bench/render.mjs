#!/usr/bin/env node
// docs/performance.md from the results of bench/run json=bench/results.json: node bench/render.mjs writes it.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const root = resolve(import.meta.dirname, "..");
export const resultsFile = join(root, "bench/results.json");
export const soakFile = join(root, "bench/soak.json");
export const page = join(root, "docs/performance.md");

/** What a measure says to whoever decides, whichever way it went. */
const remarks = {
  start:
    "We lose to programs in C: Node takes its time. Against a script that only spawns the application, we add little.",
  exit: "We lose: what the end means, for hooks, catalog and exit code, is decided in JavaScript.",
  stop: "We lose: TERM goes through the lifecycle before it reaches the application.",
  signal: "A native thread forwards, whatever JavaScript does.",
  reap: "A native thread reaps.",
  memory: "We lose: an idle Node has many times the memory of a program in C or Go.",
  scraped:
    "Anonymous memory, which no other process could share. An application in Node shares the rest with us: the same binary.",
  resident: "With the pages of the Node binary, which all its processes share.",
  idle: "With one heartbeat, and nothing else.",
  control: "The launcher asks and answers; no Node is started for it.",
};

const number = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));

function table({ name, title, unit, rows }) {
  const lines = rows.map(
    (row) =>
      `| ${row.name} | ${row.n} | ${number(row.median)}${unit === "" ? "" : ` ${unit}`} | ${row.ratio === undefined ? "" : row.ratio.toFixed(2)} |`,
  );
  const remark = remarks[name] === undefined ? "" : `\n${remarks[name]}\n`;
  return `## ${title}\n${remark}\n| side | runs | median | ratio |\n| --- | ---: | ---: | ---: |\n${lines.join("\n")}\n`;
}

const mebibytes = (kibibytes) => `${(kibibytes / 1024).toFixed(1)} MiB`;

function soakPart({ date, node, seconds, ends, orphans, reloads, timesUsual, rssKiB, ...held }) {
  const rate = (ends / seconds).toFixed(0);
  return `## soak: ${Math.round(seconds / 60)} minutes at ${timesUsual} times the usual rate

On ${date}, Node ${node}, on a machine that was busy with much else: ${ends} processes ended (${rate} a second), ${orphans} of them
orphans, with checks, tasks, watches, sensors, maintenance and ${reloads} reloads. A usual container has one check a second, and a task
now and then. First and last are medians (of descriptors and threads the least) of the first and last tenth of the time.

| what | first | last | greatest |
| --- | ---: | ---: | ---: |
| resident memory | ${mebibytes(rssKiB.first)} | ${mebibytes(rssKiB.last)} | ${mebibytes(rssKiB.peak)} |
| descriptors | ${held.descriptors.join(" | ")} | |
| threads | ${held.threads.join(" | ")} | |
| zombies | | ${held.zombiesLeft} | ${held.zombiesPeak} |

Resident memory by tenths of the time: ${rssKiB.tenths.map(mebibytes).join(", ")}.
`;
}

/** `soak`: what test/long/soak.test.ts writes to the file of SOAK_REPORT. */
export function render({ date, machine, load, measures }, soak) {
  return `# Performance

Measured on ${date}: ${machine}, with a load average of ${load[0]} to ${load[1]}.
Made by \`bench/run json=bench/results.json\` and \`node bench/render.mjs\`; do not edit.

Every side starts the same program as PID 1 of a namespace of its own, and the sides take turns. **The ratio is what to quote**:
the median of the ratios round by round, against the side that has 1.00. The milliseconds are this machine's, with its load.

${[...measures.map(table), ...(soak === undefined ? [] : [soakPart(soak)])].join("\n")}`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(page, render(...[resultsFile, soakFile].map((file) => JSON.parse(readFileSync(file, "utf8")))));
}
