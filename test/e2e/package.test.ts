import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { describeContainers, PATH, root, run, tempFolder } from "./harness.ts";

const packedBytesMax = 1_000_000;
const unpackedBytesMax = 2_000_000;
/** Addon and launcher of one target, as scripts/prebuild makes them. */
const prebuildBytes = 215_000;
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };

let project: string;
let packed: { filename: string; size: number; unpackedSize: number; files: { path: string; size: number }[] };

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

  it(`is at most ${packedBytesMax} bytes packed; and ${unpackedBytesMax} unpacked, with what a release's prebuilds take`, () => {
    expect(packed.size).toBeLessThanOrEqual(packedBytesMax);
    // Here the launcher is linked with all of glibc, in a release with musl: the release's own test takes its real size.
    const rest = packed.files.filter(({ path }) => !path.startsWith("prebuilds/")).map(({ size }) => size);
    const bytes = rest.reduce((sum, size) => sum + size, 4 * prebuildBytes);
    expect(bytes).toBeLessThanOrEqual(unpackedBytesMax);
  });

  it("brings the licences of what is bundled", () => {
    const text = readFileSync(join(project, "node_modules/containerpilot/dist/LICENSES.txt"), "utf8");
    const bundled = ["commander", "consul", "papi", "prom-client", "re2js", "node-api-headers", "musl"];
    for (const name of bundled) expect(text).toMatch(new RegExp(`^${name} [0-9.]+ \\((MIT|Apache-2.0)\\)$`, "m"));
    expect(text).not.toMatch(/^(esbuild|vitest|typescript) /m);
  });

  it("holds these files and no other", () => {
    const bundles = Object.keys(JSON.parse(readFileSync(join(root, "build/bundle.json"), "utf8")));
    const native = readdirSync(join(root, "native")).filter((name) => /\.(c|cc|h)$/.test(name));
    const prebuilds = readdirSync(join(root, "prebuilds")).flatMap((target) => [
      `prebuilds/${target}/containerpilot`,
      `prebuilds/${target}/pilot.node`,
    ]);
    const headers = ["js_native_api.h", "js_native_api_types.h", "node_api.h", "node_api_types.h"];
    expect(packed.files.map(({ path }) => path).sort()).toEqual(
      [
        ...["LICENSE", "README.md", "package.json", "binding.gyp", "native/gyp/include/node/common.gypi"],
        ...["scripts/compile.mjs", "scripts/containerpilot", "scripts/native.mjs", "dist/LICENSES.txt"],
        ...headers.map((name) => `dist/include/${name}`),
        ...bundles.map((name) => `dist/${name}`),
        ...native.map((name) => `native/${name}`),
        ...prebuilds,
      ].sort(),
    );
  });

  it("runs nothing when it is installed, and depends on nothing", () => {
    const manifest = JSON.parse(readFileSync(join(project, "node_modules/containerpilot/package.json"), "utf8"));
    expect(manifest.dependencies ?? {}).toEqual({});
    expect(Object.keys(manifest.scripts).filter((name) => /install|prepare/.test(name))).toEqual([]);
    expect(readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith("."))).toEqual([
      "containerpilot",
    ]);
  });
});

/** This machine's folder of prebuilds/; the tests' machines are glibc's. */
const target = `linux-${process.arch}`;

/** The faults that the build's own check finds. */
function abi(...words: readonly string[]): string {
  return spawnSync(process.execPath, [join(root, "scripts/abi.mjs"), ...words], { encoding: "utf8", env: { PATH } })
    .stdout;
}

describe("the native half", () => {
  const addon = join(root, "build/native/pilot.node");

  it("asks of the C library nothing that glibc 2.28 has not, nothing of the C++ library, and Node-API 8", () => {
    expect(abi("--host", target, addon)).toBe("");
    expect(abi(target, join(root, "build/native/containerpilot"))).toBe("");
  });

  it("would be found out if it did", () => {
    const other = process.arch === "x64" ? "linux-arm64" : "linux-x64";
    expect(abi(other, addon)).toMatch(/pilot\.node is for .*, as linux-/);
    expect(abi(`${target}-musl`, addon)).toMatch(/needs libc\.so\.6, as linux-\w+-musl\n/);
    const folder = tempFolder();
    const library = join(folder, "pilot.node");
    const source =
      '#include <unistd.h>\n#include <string>\nextern "C" int napi_new_one(); int closes(std::string& s) { closefrom(9); s += "x"; return napi_new_one(); }';
    execFileSync("g++", ["-x", "c++", "-shared", "-fPIC", "-o", library, "-"], { input: source });
    const said = abi("--host", target, library);
    expect(said).toMatch(/needs closefrom@GLIBC_2\.34/);
    expect(said).toMatch(/needs napi_new_one, which is not in Node-API 8/);
    expect(said).toMatch(/needs _ZNSt\S+ of the C\+\+ library/);
    const program = join(folder, "containerpilot");
    execFileSync("gcc", ["-x", "c", "-o", program, "-"], { input: "int main(void) { return 0; }" });
    expect(abi(target, program)).toMatch(/is not static/);
  });
});

/** A copy of the installed package in which nothing but this target's addon is looked for; `start` runs its command. */
function copyPackage() {
  const folder = join(tempFolder(), "containerpilot");
  cpSync(join(project, "node_modules/containerpilot"), folder, { recursive: true });
  const addon = join(folder, "prebuilds", target, "pilot.node");
  const start = () =>
    spawnSync("sh", [join(folder, "scripts/containerpilot"), "-config", "{}", "true"], {
      encoding: "utf8",
      env: { PATH },
    });
  return { folder, addon, start };
}

/** A library that links with nothing but musl's libc, as the loader sees it. */
function muslLibrary(): Buffer {
  const folder = tempFolder();
  const gcc = (...words: string[]) => execFileSync("gcc", ["-shared", "-nostdlib", "-x", "c", ...words], { input: "" });
  gcc("-o", join(folder, "libc.so"), "-Wl,-soname,libc.so", "-");
  gcc("-o", join(folder, "addon"), "-", "-x", "none", "-Wl,--no-as-needed", join(folder, "libc.so"));
  return readFileSync(join(folder, "addon"));
}

describe("without a prebuild that fits", () => {
  it.each(["the addon", "its folder", "all prebuilds"])("that lacks %s, says what it looked for", (what) => {
    const { folder, addon, start } = copyPackage();
    const gone = { "the addon": addon, "its folder": join(addon, ".."), "all prebuilds": join(folder, "prebuilds") }[
      what
    ];
    rmSync(gone ?? "", { recursive: true });
    expect(start()).toMatchObject({
      status: 70,
      stdout: "",
      stderr: `containerpilot: pilot.node for ${target} glibc was not found; looked at ${folder}/dist/pilot.node, ${folder}/build/Release/pilot.node, ${addon}. Compile it with: node ${folder}/scripts/compile.mjs\n`,
    });
  });

  it.each([
    [
      "for another CPU",
      (file: Buffer) => file.fill(file[18] === 62 ? 183 : 62, 18, 19),
      /; the file is for linux-\w+ glibc\./,
    ],
    ["for another C library", muslLibrary, new RegExp(`; the file is for ${target} musl\\.`)],
    [
      "cut short by a little",
      (file: Buffer) => file.subarray(0, Math.floor(file.length * 0.6)),
      /: the file is cut short\./,
    ],
    ["cut short by much", (file: Buffer) => file.subarray(0, 200), /: the file is cut short\./],
    ["cut short within its header", (file: Buffer) => file.subarray(0, 60), /; the file is no library\./],
    ["empty", () => Buffer.alloc(0), /; the file is no library\./],
    ["a text", () => Buffer.from("#!/bin/sh\n".repeat(100)), /; the file is no library\./],
  ] as const)("which is %s, says so, and neither crashes nor blames a line of ours", (_, damage, words) => {
    const { folder, addon, start } = copyPackage();
    writeFileSync(addon, damage(readFileSync(addon)));
    const { status, stdout, stderr } = start();
    expect({ status, stdout }).toEqual({ status: 70, stdout: "" });
    expect(stderr).toMatch(words);
    const head = `containerpilot: ${addon} cannot be loaded into Node ${process.versions.node} (${target} glibc): `;
    expect(stderr.startsWith(head)).toBe(true);
    expect(stderr.endsWith(`. Compile it with: node ${folder}/scripts/compile.mjs\n`)).toBe(true);
    expect(stderr.trimEnd()).not.toContain("\n");
  });
});

describeContainers("the installed command", () => {
  it("becomes PID 1 and leaves with the application's code", async () => {
    const container = await run({
      entrypoint: [join(project, "node_modules/.bin/containerpilot")],
      config: {},
      words: ["sh", "-c", "echo parent is $PPID; cat /proc/1/cmdline | tr '\\0' ' '; exit 6"],
    });
    expect(await container.exit).toEqual({ code: 6 });
    expect(container.stdout).toContain("parent is 1\n");
    // The launcher's flags: it was not Node alone.
    expect(container.stdout).toContain("--optimize-for-size");
  });
});
