// Reading a configuration of 200 lines with templates: in a process that has just started, and again in the same process.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../scripts/bundle.mjs";
import { median } from "../stats.mjs";

const LINES = 200;
const WARM_LOADS = 100;

/** Prints what the first load took, and the median of the following ones, in ms. */
const LOADER = `
const { load } = require(process.argv[2]);
const request = { config: process.argv[3], words: [], env: process.env, hostname: "bench", pid: 1 };
(async () => {
  const times = [];
  for (let n = 0; n <= ${WARM_LOADS}; n += 1) {
    const began = performance.now();
    const { ok, problems } = await load(request);
    times.push(performance.now() - began);
    if (!ok) throw new Error(problems.join("\\n"));
  }
  const [cold, ...warm] = times;
  console.log(JSON.stringify({ cold, warm: warm.sort((a, b) => a - b)[${WARM_LOADS >> 1}] }));
})();
`;

/** A v2 file: one service of seven lines, some templated, until there are enough lines. */
function text() {
  const service = (n) => [
    "    {",
    `      name: "web-${n}",`,
    `      port: {{ default ${8000 + n} .BENCH_PORT }},`,
    '      health: "/usr/bin/curl -fsS http://localhost:{{ .BENCH_PORT | default 80 }}/",',
    "      poll: 10, ttl: 25,",
    '      tags: ["{{ .BENCH_TAG }}", "bench"] // as in real files',
    "    },",
  ];
  const services = Array.from({ length: (LINES - 4) / 7 }, (_, n) => service(n)).flat();
  return ["{", '  consul: "localhost:8500",', "  services: [", ...services, "  ]", "}", ""].join("\n");
}

export async function config(count) {
  const folder = mkdtempSync(join(tmpdir(), "bench-config-"));
  const root = join(import.meta.dirname, "../..");
  try {
    await bundle({ entries: { load: join(root, "src/config/load.ts") }, src: join(root, "src"), outdir: folder });
    writeFileSync(join(folder, "loader.cjs"), LOADER);
    writeFileSync(join(folder, "config.json5"), text());
    const argv = [join(folder, "loader.cjs"), join(folder, "load.cjs"), join(folder, "config.json5")];
    const runs = Array.from({ length: count }, () =>
      JSON.parse(execFileSync(process.execPath, argv, { encoding: "utf8" })),
    );
    const rows = ["cold", "warm"].map((name) => ({ name, n: count, median: median(runs.map((run) => run[name])) }));
    return { title: `config: ${LINES} lines read, rendered, decoded`, unit: "ms", rows };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
