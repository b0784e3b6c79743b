import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle } from "../../../scripts/bundle.mjs";

const run = promisify(execFile);
const src = join(import.meta.dirname, "../../../src");
const folder = mkdtempSync(join(tmpdir(), "containerpilot-telemetry-"));
let made: Awaited<ReturnType<typeof bundle>>;

beforeAll(async () => {
  made = await bundle({ entries: { telemetry: join(src, "telemetry/telemetry.ts") }, src, outdir: folder });
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a script beside the bundle, which is `telemetry` to it, and gives what it prints. */
async function script(text: string): Promise<unknown> {
  writeFileSync(join(folder, "script.cjs"), `const telemetry = require("./telemetry.cjs");\n${text}`);
  const { stdout } = await run(process.execPath, [join(folder, "script.cjs")], { timeout: 20_000 });
  return JSON.parse(stdout);
}

test("the bundle needs HTTP and compression of Node, and no more of prom-client than its metrics", () => {
  expect(made["telemetry.cjs"]?.external).toEqual(["node:fs", "node:http", "node:zlib", "util"]);
});

test("listening, and after a scrape, no timer is left that would wake the process within a day", async () => {
  const left = await script(`
    const { createHook } = require("node:async_hooks");
    const timers = new Map();
    createHook({
      init: (id, type, trigger, resource) => type === "Timeout" && timers.set(id, new WeakRef(resource)),
      destroy: (id) => timers.delete(id),
    }).enable();
    const soon = () => [...timers.values()].map((ref) => ref.deref()?._idleTimeout).filter((ms) => ms < 86_400_000);
    const port = telemetry.openTelemetry(
      { address: "127.0.0.1", port: 0, path: "/metrics", sensors: {}, metrics: {} },
      (level, message) => {
        if (!message.includes("Listening")) return;
        const listening = soon();
        const { request } = require("node:http");
        request({ ...port.bound, host: port.bound.address, path: "/metrics", agent: false }, (response) => {
          const during = soon();
          response.resume().on("close", () => setTimeout(() => {
            console.log(JSON.stringify({ listening, during, after: soon() }));
            process.exit();
          }, 1500));
        }).end();
      },
    );
  `);
  // During: the connection's deadline, and Node's clock for Date headers. After: the timer that looks.
  expect(left).toMatchObject({ listening: [], after: [1500] });
  expect((left as { during: number[] }).during.length).toBeGreaterThan(0);
});

test("answers like its source", async () => {
  const answer = (await script(`
    const port = telemetry.openTelemetry(
      { address: "127.0.0.1", port: 0, path: "/metrics", sensors: { s: { name: "s", help: "h", type: "summary" } }, metrics: {} },
      (level, message) => {
        if (!message.includes("Listening")) return;
        port.record("s", "12");
        require("node:http").get({ host: port.bound.address, port: port.bound.port, path: "/metrics" }, (response) => {
          let text = "";
          response.on("data", (part) => { text += part; });
          response.on("end", () => { console.log(JSON.stringify({ status: response.statusCode, text })); process.exit(); });
        });
      },
    );
  `)) as { status: number; text: string };
  expect(answer.status).toBe(200);
  expect(answer.text).toContain('# TYPE s summary\ns{quantile="0.5"} 12\n');
  expect(answer.text).toMatch(/^process_open_fds \d+$/m);
});
