import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { describeContainers, PATH, root, run, tempFolder } from "./harness.ts";

const packedBytesMax = 1_000_000;
const unpackedBytesMax = 2_000_000;
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

let project: string;
let packed: { filename: string; size: number; unpackedSize: number; files: { path: string }[] };

beforeAll(() => {
  project = tempFolder();
  mkdirSync(join(project, "home"));
  const npm = (...words: string[]) =>
    execFileSync("npm", words, {
      cwd: project,
      encoding: "utf8",
      env: { PATH, HOME: join(project, "home"), npm_config_cache: join(project, "cache") },
      stdio: ["ignore", "pipe", "ignore"],
    });
  packed = JSON.parse(npm("pack", "--json", "--pack-destination", project, root))[0];
  npm("init", "--yes");
  npm("install", "--offline", "--no-audit", "--no-fund", join(project, packed.filename));
});

describe("the package", () => {
  it("installs without the network, and its command runs", () => {
    const { stdout } = spawnSync(join(project, "node_modules/.bin/containerpilot"), ["-version"], {
      encoding: "utf8",
      env: { PATH },
    });
    expect(stdout).toMatch(new RegExp(`^Version: ${version.replaceAll(".", "\\.")}\n`));
  });

  it(`is at most ${packedBytesMax} bytes packed and ${unpackedBytesMax} unpacked`, () => {
    expect(packed.size).toBeLessThanOrEqual(packedBytesMax);
    expect(packed.unpackedSize).toBeLessThanOrEqual(unpackedBytesMax);
  });

  it("brings the licences of what is bundled", () => {
    const text = readFileSync(join(project, "node_modules/containerpilot/dist/LICENSES.txt"), "utf8");
    const bundled = ["commander", "consul", "papi", "prom-client", "re2js"];
    for (const name of bundled) expect(text).toMatch(new RegExp(`^${name} [0-9.]+ \\((MIT|Apache-2.0)\\)$`, "m"));
    expect(text).not.toMatch(/^(esbuild|vitest|typescript) /m);
  });

  it("holds no test", () => {
    expect(packed.files.map(({ path }) => path).filter((path) => /test/i.test(path))).toEqual([]);
  });
});

describeContainers("the installed command", () => {
  it("becomes PID 1 and leaves with the application's code", async () => {
    const container = await run({
      entrypoint: [join(project, "node_modules/.bin/containerpilot")],
      config: {},
      words: ["sh", "-c", "echo parent is $PPID; exit 6"],
    });
    expect(await container.exit).toEqual({ code: 6 });
    expect(container.stdout).toContain("parent is 1\n");
  });
});
