// What scripts/prebuild does, once the compiler is there.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { faults } from "./abi.mjs";
import { compile, folderOf, libcOf } from "./native.mjs";

const root = resolve(import.meta.dirname, "..");
/** The compiler keys what it keeps by its own path: a link to the tools of another tree is to find it. */
const tools = existsSync(join(root, ".tools")) ? realpathSync(join(root, ".tools")) : join(root, ".tools");
const zig = join(tools, "zig/zig");

/** By folder of prebuilds/: what the addon is compiled for, and the launcher, which is static and so takes the smaller libc. */
const targets = {
  "linux-x64": { addon: "x86_64-linux-gnu.2.28", launcher: "x86_64-linux-musl" },
  "linux-x64-musl": { addon: "x86_64-linux-musl", launcher: "x86_64-linux-musl" },
  "linux-arm64": { addon: "aarch64-linux-gnu.2.28", launcher: "aarch64-linux-musl" },
  "linux-arm64-musl": { addon: "aarch64-linux-musl", launcher: "aarch64-linux-musl" },
};

/** All that decides what is built, as one hash. */
function inputs() {
  const hash = createHash("sha256");
  const native = readdirSync(join(root, "native")).filter((name) => /\.(c|cc|h)$/.test(name));
  const own = ["binding.gyp", "package-lock.json", "scripts/native.mjs", "scripts/prebuild.mjs", "scripts/setup"];
  for (const name of [...native.sort().map((name) => `native/${name}`), ...own]) {
    hash.update(`${name}\0`).update(readFileSync(join(root, name)));
  }
  return hash.digest("hex");
}

const digest = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

/** A target's files, and whether they were made of these inputs. */
function state(name, hash) {
  const files = ["pilot.node", "containerpilot"].map((file) => join(root, "prebuilds", name, file));
  const stamp = join(root, "build/prebuild", name, "stamp");
  const made = () => `${hash} ${files.map(digest).join(" ")}\n`;
  const fresh = () => existsSync(stamp) && files.every(existsSync) && readFileSync(stamp, "utf8") === made();
  return { files, fresh, keep: () => writeFileSync(stamp, made()) };
}

/** Builds both programs of a target, where what is there was not made of the same inputs. */
async function prebuild(name, { addon, launcher }, hash) {
  const { files, fresh, keep } = state(name, hash);
  if (fresh()) return files;
  process.stdout.write(`${name}\n`);
  mkdirSync(join(root, "prebuilds", name), { recursive: true });
  const cache = join(tools, "zig-cache");
  const env = { ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache };
  for (const [target, triple, output] of [
    ["pilot", addon, files[0]],
    ["containerpilot", launcher, files[1]],
  ]) {
    // Relative, so that nothing of this machine's folders gets in.
    const objects = join("build/prebuild", name, target);
    const compilers = { cc: [zig, "cc", "-target", triple], cxx: [zig, "c++", "-target", triple] };
    await compile({ target, ...compilers, flags: ["-Werror"], output: `${output}.new`, work: objects, env });
    renameSync(`${output}.new`, output);
  }
  keep();
  return files;
}

/**
 * Gives this machine's target its own build, which may need a newer libc, unless a release's of the same sources is there.
 * Those of other sources, for whatever target, must not get into a package with this bundle.
 */
function placeHost() {
  const hash = inputs();
  const stale = Object.keys(targets).filter((name) => !state(name, hash).fresh());
  const own = folderOf(process.arch, libcOf(process.execPath));
  for (const name of stale) if (name !== own) rmSync(join(root, "prebuilds", name), { recursive: true, force: true });
  if (!stale.includes(own) && own in targets) return;
  mkdirSync(join(root, "prebuilds", own), { recursive: true });
  for (const file of state(own, hash).files) {
    execFileSync("strip", ["-s", "-o", `${file}.new`, join(root, "build/native", basename(file))]);
    renameSync(`${file}.new`, file);
  }
}

const asked = process.argv.slice(2);
if (asked.join() === "--host") {
  placeHost();
  process.exit();
}
const unknown = asked.filter((name) => !(name in targets));
if (unknown.length > 0) {
  process.stderr.write(`scripts/prebuild: unknown ${unknown.join(", ")}; known: ${Object.keys(targets).join(" ")}\n`);
  process.exit(64);
}
process.chdir(root);
try {
  const hash = inputs();
  for (const name of asked.length > 0 ? asked : Object.keys(targets)) {
    const files = await prebuild(name, targets[name], hash);
    const wrong = files.flatMap((file) => faults(file, name));
    if (wrong.length > 0) throw new Error(wrong.join("\n"));
  }
} catch (error) {
  process.stderr.write(`scripts/prebuild: ${error.message}\n`);
  process.exitCode = 1;
}
