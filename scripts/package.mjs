// What scripts/package does, once dist/ is built.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { libcOf } from "./native.mjs";
import { sbom } from "./sbom.mjs";

const root = resolve(import.meta.dirname, "..");
const out = join(root, "build/release");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The Node of the archives, as npm carries it. */
const nodeVersion = "22.23.3";
const machines = { 62: "x64", 183: "arm64" };
/** Cross strip of binutils, where the machine's own does not know the file. */
const strips = { x64: ["strip", "x86_64-linux-gnu-strip"], arm64: ["strip", "aarch64-linux-gnu-strip"] };
const archiveBytesMax = 42_000_000;
/** All files' time: tar's bytes are to depend on contents alone. */
const epoch = "@0";

/** Runs a program; rejects with its own words. */
function run(program, words, options = {}) {
  return execFileSync(program, words, {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    ...options,
  });
}

/** An official Node for a CPU, unpacked once, with its licence. */
function officialNode(arch) {
  const folder = join(root, "build/node", `${nodeVersion}-${arch}`);
  if (!existsSync(join(folder, "bin/node"))) {
    mkdirSync(folder, { recursive: true });
    const packed = run("npm", [
      "pack",
      "--silent",
      `node-linux-${arch}@${nodeVersion}`,
      "--pack-destination",
      folder,
    ]).trim();
    run("tar", [
      "-xzf",
      join(folder, packed),
      "-C",
      folder,
      "--strip-components=1",
      "package/bin/node",
      "package/LICENSE",
    ]);
    rmSync(join(folder, packed));
  }
  return { program: join(folder, "bin/node"), licence: join(folder, "LICENSE") };
}

function archOf(program) {
  const machine = readFileSync(program).readUInt16LE(18);
  const arch = machines[machine];
  if (arch === undefined) throw new Error(`${program}: no prebuild for ELF machine ${machine}`);
  return arch;
}

/** A stripped Node is 17 MB smaller and neither slower nor faster. */
function strip(program, arch, output) {
  for (const tool of strips[arch]) {
    try {
      run(tool, ["-s", "-o", output, program], { stdio: "ignore" });
      return;
    } catch {
      // Not there, or not for this machine.
    }
  }
  throw new Error(`no strip for ${arch} is here: scripts/setup arm64 brings it`);
}

/** What the Node of a program calls itself: its own binary may be for another machine. */
function nodeVersionOf(program) {
  return /node\.js\/v?(\d+\.\d+\.\d+)|\bv(\d+\.\d+\.\d+)\0/
    .exec(readFileSync(program).toString("latin1"))
    ?.slice(1)
    .find(Boolean);
}

/** The folder that an archive unpacks to. */
function stage(target, node, arch) {
  const folder = join(root, "build/stage", target, "containerpilot");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of ["containerpilot", "pilot.node"])
    copyFileSync(join(root, "prebuilds", target, file), join(folder, file));
  for (const file of ["containerpilot.cjs", "cpctl.cjs", "cached.cjs", "LICENSES.txt"])
    copyFileSync(join(root, "dist", file), join(folder, file));
  cpSync(join(root, "dist/chunks"), join(folder, "chunks"), { recursive: true });
  // Node's own program runs cpctl, whatever the image has.
  writeFileSync(
    join(folder, "cpctl"),
    '#!/bin/sh\ndir=$(dirname "$(readlink -f "$0")")\nexec "$dir/node" "$dir/cpctl.cjs" "$@"\n',
  );
  strip(node.program, arch, join(folder, "node"));
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  if (node.licence !== undefined) copyFileSync(node.licence, join(folder, "LICENSE.node"));
  for (const file of ["containerpilot", "node", "cpctl"]) chmodSync(join(folder, file), 0o755);
  chmodSync(join(folder, "pilot.node"), 0o644);
  return folder;
}

function archive(node) {
  const arch = archOf(node.program);
  const target = `linux-${arch}${libcOf(node.program) === "musl" ? "-musl" : ""}`;
  run(join(root, "scripts/prebuild"), [target]);
  const folder = stage(target, node, arch);
  const name = `containerpilot-${version}-${target}`;
  const file = join(out, `${name}.tar.gz`);
  const order = [
    "--sort=name",
    `--mtime=${epoch}`,
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--format=gnu",
    "--mode=go-w",
  ];
  const tar = execFileSync("tar", ["-C", join(folder, ".."), ...order, "-c", "containerpilot"], { maxBuffer: 2 ** 30 });
  writeFileSync(file, execFileSync("gzip", ["-9n"], { input: tar, maxBuffer: 2 ** 30 }));
  const bytes = readFileSync(file).length;
  if (bytes > archiveBytesMax) throw new Error(`${file} has ${bytes} bytes, at most ${archiveBytesMax}`);
  sbom({
    name,
    version,
    node: node.version ?? nodeVersionOf(node.program),
    folder,
    output: join(out, `${name}.cdx.json`),
  });
  return [`${name}.tar.gz`, `${name}.cdx.json`];
}

function npmPackage() {
  run(join(root, "scripts/prebuild"), []);
  const packed = run("npm", ["pack", "--silent", "--pack-destination", out]).trim();
  const name = basename(packed, ".tgz");
  sbom({ name, version, output: join(out, `${name}.cdx.json`) });
  return [packed, `${name}.cdx.json`];
}

const makers = {
  npm: npmPackage,
  x64: () => archive({ ...officialNode("x64"), version: nodeVersion }),
  arm64: () => archive({ ...officialNode("arm64"), version: nodeVersion }),
};

const words = process.argv.slice(2);
try {
  mkdirSync(out, { recursive: true });
  const own = words.filter((word) => word.startsWith("NODE="));
  const names = words.filter((word) => !word.startsWith("NODE="));
  const unknown = names.filter((name) => !(name in makers));
  if (unknown.length > 0) throw new Error(`unknown ${unknown.join(", ")}; known: npm x64 arm64 NODE=PATH`);
  const all = words.length === 0 ? Object.keys(makers) : names;
  const made = [
    ...all.flatMap((name) => makers[name]()),
    ...own.flatMap((word) => archive({ program: resolve(word.slice("NODE=".length)) })),
  ];
  const sums = readdirSync(out)
    .filter((name) => /\.(tgz|tar\.gz|cdx\.json)$/.test(name))
    .sort()
    .map(
      (name) =>
        `${createHash("sha256")
          .update(readFileSync(join(out, name)))
          .digest("hex")}  ${name}\n`,
    );
  writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
  for (const name of made)
    process.stdout.write(`build/release/${name} ${readFileSync(join(out, name)).length} bytes\n`);
} catch (error) {
  process.stderr.write(`scripts/package: ${error.message}\n`);
  process.exitCode = 1;
}
