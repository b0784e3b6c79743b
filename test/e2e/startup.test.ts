import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { describeContainers, fixture, root, run } from "./harness.ts";

/** All JavaScript that V8 parses before the application runs, init and decoder, for a configuration without template actions. */
const bytesMax = 72_000;

interface Loaded {
  /** `NativeModule fs`, … */
  builtin: string[];
  files: string[];
}

const bare: string[] = JSON.parse(
  execFileSync(process.execPath, ["-p", "JSON.stringify(process.moduleLoadList)"], { encoding: "utf8" }),
);

async function loadedBeforeExec(config: unknown): Promise<Loaded> {
  const record = fixture("records-modules.cjs");
  const container = await run({
    entrypoint: [process.execPath, "--require", record, join(root, "dist/containerpilot.cjs")],
    config,
    words: ["/bin/true"],
    env: { RECORD_TO: "loaded.json" },
  });
  expect(await container.exit).toEqual({ code: 0 });
  return JSON.parse(readFileSync(join(container.folder, "loaded.json"), "utf8")) as Loaded;
}

describeContainers("before the application's exec", () => {
  it("loads no module of Node that a bare Node has not, but what is next to free", async () => {
    const { builtin } = await loadedBeforeExec({ stopTimeout: 5 });
    const more = builtin.filter((name) => name.startsWith("NativeModule ") && !bare.includes(name));
    expect(
      more.filter((name) =>
        /internal\/(deps|legacy)|NativeModule (_?https?|net|tls|_tls|dns|stream|child_process|worker|inspector|zlib|cluster|crypto|readline|perf_hooks)/.test(
          name,
        ),
      ),
    ).toEqual([]);
  });

  it(`parses at most ${bytesMax} bytes of the program, and neither catalog nor telemetry`, async () => {
    const service = { name: "web", port: 80, interfaces: ["static:127.0.0.1"], poll: 1, ttl: 3, health: "/bin/true" };
    const { files } = await loadedBeforeExec({
      consul: "127.0.0.1:1",
      services: [service],
      telemetry: { port: 9090, interfaces: ["lo"] },
    });
    const own = files.filter((file) => file.startsWith(join(root, "dist/")));
    expect(
      own.map((file) => basename(file)).filter((name) => /catalog|telemetry|print|usage|regex/.test(name)),
    ).toEqual([]);
    expect(own.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThanOrEqual(bytesMax);
  });
});
