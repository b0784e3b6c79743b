import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { describeContainers, PATH, root, run, tempFolder } from "../e2e/harness.ts";
import { billFaults } from "./cyclonedx.ts";

const makeMs = 1_800_000;
const archiveBytesMax = 42_000_000;

/** A copy of what is committed, so that nobody's change gets between two builds. Packages, tools and Node are the checkout's. */
const tree = join(tempFolder(), "tree");
const release = join(tree, "build/release");

function copyTree(): void {
  execFileSync("git", ["clone", "--quiet", "--local", root, tree]);
  mkdirSync(join(tree, "build"));
  for (const name of ["node_modules", ".tools", "build/node"]) {
    mkdirSync(join(root, name), { recursive: true });
    symlinkSync(join(root, name), join(tree, name));
  }
  // Older than the packages, which are not to be installed again.
  utimesSync(join(tree, "package-lock.json"), 0, 0);
}
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
const archives = ["x64", "arm64"].map((arch) => `containerpilot-${version}-linux-${arch}`);

function make(): void {
  execFileSync(join(tree, "scripts/package"), { cwd: tree, stdio: ["ignore", "ignore", "inherit"], timeout: makeMs });
}

const digest = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

const digests = () =>
  Object.fromEntries(
    readdirSync(release)
      .sort()
      .map((name) => [name, digest(join(release, name))]),
  );

interface Component {
  type: string;
  name: string;
  version?: string;
  hashes?: { content: string }[];
}

function unpacked(name: string): string {
  const folder = tempFolder();
  execFileSync("tar", ["-xzf", join(release, `${name}.tar.gz`), "-C", folder]);
  return join(folder, "containerpilot");
}

beforeAll(() => {
  copyTree();
  make();
}, makeMs);

describe("a release", () => {
  it(
    "has the same bytes when it is made again",
    () => {
      const before = digests();
      for (const name of ["dist", "prebuilds", "build/native", "build/prebuild", "build/release", "build/stage"]) {
        rmSync(join(tree, name), { recursive: true });
      }
      make();
      expect(digests()).toEqual(before);
    },
    makeMs,
  );

  it("has right sums, and bills of materials that name all that is inside", () => {
    execFileSync("sha256sum", ["--check", "--strict", "--quiet", "SHA256SUMS"], { cwd: release });
    const summed = readFileSync(join(release, "SHA256SUMS"), "utf8").match(/\S+$/gm);
    expect(summed?.length).toBe(readdirSync(release).length - 1);
    for (const name of archives) {
      const bill = JSON.parse(readFileSync(join(release, `${name}.cdx.json`), "utf8"));
      expect(bill).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.5" });
      expect(billFaults(bill)).toEqual([]);
      const components = bill.components as Component[];
      for (const library of ["consul", "prom-client", "commander", "re2js", "node", "musl"]) {
        expect(components.map((one) => one.name)).toContain(library);
      }
      // Each library's licence goes along.
      const licences = readFileSync(join(unpacked(name), "LICENSES.txt"), "utf8");
      for (const { name: library, version: its } of components.filter(({ type }) => type === "library")) {
        expect(licences).toContain(`${library} ${its} (`);
      }
      const folder = unpacked(name);
      const inside = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      const listed = components.filter(({ type }) => type === "file");
      expect(listed.length).toBe(inside.length);
      for (const file of listed) expect(file.hashes?.[0]?.content).toBe(digest(join(folder, file.name)));
    }
  });

  it("has a bill of the npm package that is right as well, and the schema finds what is not", () => {
    const bill = JSON.parse(readFileSync(join(release, `containerpilot-${version}.cdx.json`), "utf8"));
    expect(billFaults(bill)).toEqual([]);
    expect((bill.components as Component[]).map(({ name }) => name)).toContain("node-api-headers");
    bill.components[0].licenses = [{ license: { id: "None" } }];
    bill.components[1].typo = 1;
    expect(billFaults(bill).join()).toMatch(/components\/0\/licenses.*components\/1.*additional properties/s);
  });

  it("has archives within their size, and licences in them", () => {
    for (const name of archives) {
      expect(readFileSync(join(release, `${name}.tar.gz`)).length).toBeLessThanOrEqual(archiveBytesMax);
      const files = readdirSync(unpacked(name));
      expect(files).toEqual(expect.arrayContaining(["LICENSE", "LICENSE.node", "LICENSES.txt", "node", "pilot.node"]));
    }
  });

  it("has an addon for each target that asks no more of the machine than it says, and exports what this build does", () => {
    const exported = (file: string) =>
      execFileSync("nm", ["--dynamic", "--defined-only", "--format=posix", file], { encoding: "utf8" })
        .split("\n")
        .map((line) => line.split(" ")[0]?.split("@")[0])
        .sort();
    const own = exported(join(tree, "build/native/pilot.node"));
    for (const target of ["linux-x64", "linux-arm64", "linux-x64-musl", "linux-arm64-musl"]) {
      const files = ["pilot.node", "containerpilot"].map((name) => join(tree, "prebuilds", target, name));
      const words = [join(root, "scripts/abi.mjs"), target, ...files];
      expect(spawnSync(process.execPath, words, { encoding: "utf8" }).stdout).toBe("");
      expect(exported(files[0] ?? "")).toEqual(own);
    }
  });
});

describe("the npm package of a release", () => {
  it("is within its size, and runs after it was compiled where no prebuild fits", () => {
    const packed = join(release, `containerpilot-${version}.tgz`);
    expect(readFileSync(packed).length).toBeLessThanOrEqual(1_000_000);
    const folder = tempFolder();
    execFileSync("tar", ["-xzf", packed, "-C", folder]);
    const sizes = execFileSync("du", ["--apparent-size", "-sb", join(folder, "package")], { encoding: "utf8" });
    expect(Number.parseInt(sizes, 10)).toBeLessThanOrEqual(2_000_000);
    rmSync(join(folder, "package/prebuilds"), { recursive: true });
    const command = ["-config", '{"consul":"127.0.0.1:1"}', "echo", "ran"];
    const start = () =>
      spawnSync("sh", [join(folder, "package/scripts/containerpilot"), ...command], {
        encoding: "utf8",
        env: { PATH },
      });
    const compile = /Compile it with: (node \S+)/.exec(start().stderr)?.[1]?.split(" ") ?? [];
    execFileSync(compile[0] ?? "", compile.slice(1), { env: { PATH }, cwd: "/" });
    expect(start()).toMatchObject({ status: 0, stdout: "ran\n" });
  });
});

describeContainers("an archive", () => {
  it("runs where it is unpacked, read-only, and without a Node of the image's", async () => {
    const folder = unpacked(archives[process.arch === "arm64" ? 1 : 0] ?? "");
    for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" }))
      chmodSync(join(folder, entry), 0o555);
    const empty = tempFolder();
    mkdirSync(join(empty, "bin"));
    const container = await run({
      entrypoint: [join(folder, "containerpilot")],
      binds: [folder],
      config: {},
      words: ["/bin/sh", "-c", "echo parent is $PPID; exit 3"],
      env: { PATH: join(empty, "bin") },
    });
    expect(await container.exit).toEqual({ code: 3 });
    expect(container.stdout).toContain("parent is 1\n");
  });
});

/** qemu's user mode: instructions of the CPU are proved, its clone, wait and signals are the emulator's. */
const refused =
  process.arch === "x64" && spawnSync("qemu-aarch64", ["--version"]).status === 0
    ? undefined
    : "qemu-aarch64 is missing: run scripts/setup arm64";
if (refused !== undefined) process.stderr.write(`arm64 tests skipped: ${refused}\n`);

describe.skipIf(refused !== undefined)(`for arm64${refused === undefined ? "" : ` (skipped: ${refused})`}`, () => {
  const emulate = (...words: readonly string[]) =>
    spawnSync("qemu-aarch64", ["-L", "/usr/aarch64-linux-gnu", ...words], { encoding: "utf8" });

  it("Node loads the addon, and the program answers", () => {
    const folder = unpacked(archives[1] ?? "");
    const script = `const m = { exports: {} }; process.dlopen(m, ${JSON.stringify(join(folder, "pilot.node"))}); console.log(process.arch, typeof m.exports.spawn);`;
    expect(emulate(join(folder, "node"), "-e", script).stdout).toBe("arm64 function\n");
    expect(emulate(join(folder, "node"), join(folder, "containerpilot.cjs"), "-version").stdout).toContain(version);
  });

  it("the init registers, runs hooks and the application, and leaves with its code", () => {
    const folder = unpacked(archives[1] ?? "");
    const service = { name: "web", port: 80, interfaces: "static:10.0.0.1", poll: 1, ttl: 5, health: "true" };
    const settings = {
      directory: join(tempFolder(), "catalog"),
      preStart: ["echo", "preStart ran"],
      postStop: ["echo", "postStop ran"],
      services: [service],
    };
    const words = ["-config", JSON.stringify(settings), "sh", "-c", "sleep 5; exit 5"];
    const done = emulate(join(folder, "node"), join(folder, "containerpilot.cjs"), ...words);
    expect(done.status).toBe(5);
    expect(done.stdout + done.stderr).toMatch(/preStart ran\n.*Service registered: web.*postStop ran\n/s);
  });

  it("the launcher of either C library runs, and looks for its bundle", () => {
    for (const target of ["linux-arm64", "linux-arm64-musl"]) {
      const folder = tempFolder();
      execFileSync("cp", [join(tree, "prebuilds", target, "containerpilot"), folder]);
      const done = emulate(join(folder, "containerpilot"));
      expect(done).toMatchObject({ status: 127, stderr: expect.stringContaining("containerpilot.cjs was not found") });
    }
  });
});
