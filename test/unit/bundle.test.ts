import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundled, bundle } from "../../scripts/bundle.mjs";

const root = join(import.meta.dirname, "../..");
const initBytesMax = 60_000;

/**
 * All that may be loaded before the application's exec: in Node's snapshot or next to free. http, net, child_process,
 * worker_threads, stream and their like cost 2 to 18 ms each.
 */
const cheap = ["node:fs", "node:module", "node:os", "node:path"];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bundle-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
});

afterAll(() => rmSync(folder, { recursive: true }));

function sources(
  name: string,
  files: Record<string, string>,
): { entries: Record<string, string>; src: string; outdir: string } {
  const src = join(folder, name, "src");
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(src, file)), { recursive: true });
    writeFileSync(join(src, file), text);
  }
  return { entries: { main: join(src, "main.ts") }, src, outdir: join(folder, name, "dist") };
}

function output(outdir: string): string {
  const ran = spawnSync(process.execPath, [join(outdir, "main.cjs")], { encoding: "utf8" });
  return ran.stdout + ran.stderr;
}

describe("the bundler", () => {
  it("makes a chunk of each dynamic import, chunks of chunks too, and they run", async () => {
    const what = sources("chunks", {
      "main.ts": 'import { join } from "node:path";\nimport("./a/one.ts").then((m) => m.say(join("x", "y")));\n',
      "a/one.ts":
        'export async function say(t: string) { const { default: d, n } = await import("./two.ts"); console.log(t, d, n); }\n',
      "a/two.ts": 'import { STATUS_CODES } from "node:http";\nexport default STATUS_CODES[404];\nexport const n = 2;\n',
    });
    const made = await bundle(what);
    expect(Object.keys(made).sort()).toEqual(["chunks/a-one.cjs", "chunks/a-two.cjs", "main.cjs"]);
    expect(made["main.cjs"]).toMatchObject({ external: ["node:path"], chunks: ["chunks/a-one.cjs"] });
    expect(made["chunks/a-two.cjs"]?.external).toEqual(["node:http"]);
    expect(output(what.outdir)).toBe("x/y Not Found 2\n");
  });

  it("refuses a module that is in the bundle and a chunk as well", async () => {
    const what = sources("twice", {
      "main.ts": 'import { x } from "./x.ts";\nconsole.log(x());\nimport("./x.ts");\n',
      "x.ts": "export const x = () => [1];\n",
    });
    await expect(bundle(what)).rejects.toThrow(/x\.ts both statically and dynamically/);
  });

  it("removes a chunk that is no longer one", async () => {
    const files = { "main.ts": 'import("./x.ts").then((m) => console.log(m.x));\n', "x.ts": "export const x = 1;\n" };
    const { outdir } = sources("gone", files);
    await bundle(sources("gone", files));
    expect(existsSync(join(outdir, "chunks/x.cjs"))).toBe(true);
    await bundle(sources("gone", { ...files, "main.ts": 'import { x } from "./x.ts";\nconsole.log(x);\n' }));
    expect(existsSync(join(outdir, "chunks/x.cjs"))).toBe(false);
    expect(output(outdir)).toBe("1\n");
  });

  it("writes nothing when any part of it is wrong", async () => {
    const files = { "main.ts": 'import("./x.ts").then((m) => console.log(m.x));\n', "x.ts": "export const x = 1;\n" };
    const what = sources("wrong", files);
    await bundle(what);
    sources("wrong", {
      "main.ts": 'import("./x.ts").then((m) => console.log("new", m.x));\n',
      "x.ts": "export const x = ;\n",
    });
    await expect(bundle(what)).rejects.toThrow(/x\.ts/);
    expect(output(what.outdir)).toBe("1\n");
  });

  it("leaves https, cluster and the push gateway out of the packages until they are used", async () => {
    const what = sources("packages", {
      "main.ts": `import Consul from "consul";
import { Gauge, Registry } from "prom-client";
const registry = new Registry();
new Gauge({ name: "g", help: "h", registers: [registry] }).set(2);
const { log } = console;
const loaded = () => (process as unknown as { moduleLoadList: string[] }).moduleLoadList.filter((m) => /NativeModule (https|cluster)$/.test(m));
new Consul();
const before = loaded();
new Consul({ secure: true });
registry.metrics().then((text) => log(JSON.stringify([before, loaded(), /^g 2$/m.test(text)])));
`,
    });
    const made = await bundle(what);
    expect(made["main.cjs"]?.inputs.join()).not.toMatch(/pushgateway|opentelemetry/);
    expect(output(what.outdir)).toBe('[[],["NativeModule https"],true]\n');
  });
});

describe("the init", () => {
  let init: Bundled | undefined;

  beforeAll(async () => {
    const src = join(root, "src");
    const entries = { containerpilot: join(src, "bin/containerpilot.ts") };
    init = (await bundle({ entries, src, outdir: join(folder, "init") }))["containerpilot.cjs"];
  });

  it(`is at most ${initBytesMax} bytes`, () => {
    expect(init?.bytes).toBeLessThanOrEqual(initBytesMax);
  });

  it("requires no module of Node that costs", () => {
    expect(init?.external.filter((name) => !cheap.includes(name))).toEqual([]);
  });

  it("brings no package along", () => {
    expect(init?.inputs.filter((name) => name.includes("node_modules/"))).toEqual([]);
  });
});
