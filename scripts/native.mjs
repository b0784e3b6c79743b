// How the native half is compiled without node-gyp: for other machines (scripts/prebuild), and on a user's (scripts/compile.mjs).
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

/** As binding.gyp sets them. */
const common = ["-O2", "-g0", "-Wall", "-Wextra", "-fvisibility=hidden", "-fstack-protector-strong", "-pthread"];
const flagsOfC = ["-std=gnu11"];
const flagsOfCxx = ["-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"];

/** Sources by target of binding.gyp, which is JSON but for comments and trailing commas. */
export function sources() {
  const text = readFileSync(join(root, "binding.gyp"), "utf8");
  const { variables, targets } = JSON.parse(text.replace(/^\s*#.*$/gm, "").replace(/,(\s*[}\]])/g, "$1"));
  const expanded = (word) => (word.startsWith("<@(") ? variables[word.slice(3, -1)] : [word]);
  return Object.fromEntries(targets.map((target) => [target.target_name, target.sources.flatMap(expanded)]));
}

/** The headers of Node-API: in the package beside the bundle, in a checkout among the packages. */
function headers() {
  const places = [join(root, "dist/include"), join(root, "node_modules/node-api-headers/include")];
  return places.flatMap((place) => ["-I", place]);
}

/** Runs a compiler in the repository; rejects with all that it said. */
function run([program, ...words], env) {
  return new Promise((settle, refuse) => {
    const child = spawn(program, words, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (said += part));
    child.once("error", ({ code, message }) =>
      refuse(new Error(code === "ENOENT" ? `${program} is missing` : `${program}: ${message}`)),
    );
    child.once("close", (code) =>
      code === 0 ? settle() : refuse(new Error(`${program} ${words.join(" ")}\n${said}`)),
    );
  });
}

/** Calls `work` for each item, `width` at a time. */
async function each(items, width, work) {
  const left = [...items];
  const one = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, one));
}

/**
 * Linker words that export what the sources export and nothing else. A compiler's own library may bring `log` and `memcpy`
 * along: from a library that is preloaded, they would take the place of the C library's.
 */
function onlyOwnExports(objects, work) {
  const words = ["--wide", "--syms", ...objects];
  const { stdout, status } = spawnSync("readelf", words, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  if (status !== 0) throw new Error("readelf is missing");
  const names = [...stdout.matchAll(/ (?:GLOBAL|WEAK) +DEFAULT +\d+ (\S+)$/gm)].map(([, name]) => name);
  const script = join(work, "exports.map");
  writeFileSync(resolve(root, script), `{ global: ${[...new Set(names)].sort().join("; ")}; local: *; };\n`);
  return [`-Wl,--version-script=${script}`, "-Wl,--gc-sections"];
}

/**
 * Compiles one target of binding.gyp.
 * @param {{target: "pilot" | "containerpilot", cc: string[], cxx: string[], flags: string[], output: string, work: string,
 *   env?: Record<string, string>, width?: number}} what cc and cxx: compilers with their first words; flags: for all of it;
 *   work: a folder for the objects
 */
export async function compile({ target, cc, cxx, flags, output, work, env = {}, width = 2 }) {
  mkdirSync(work, { recursive: true });
  const shared = target === "pilot";
  // Relative names, so that nothing of this machine's folders gets in.
  const object = (source) => join(work, `${basename(source)}.o`);
  const inputs = sources()[target];
  await each(inputs, width, (source) => {
    const [compiler, own] = source.endsWith(".cc") ? [cxx, flagsOfCxx] : [cc, flagsOfC];
    const pic = shared ? ["-fPIC", "-DNAPI_VERSION=8", ...headers()] : [];
    return run([...compiler, ...flags, ...common, ...own, ...pic, "-c", "-o", object(source), source], env);
  });
  const link = shared ? ["-shared", "-Wl,--as-needed", "-Wl,-z,relro", "-pthread"] : ["-static"];
  const objects = inputs.map(object);
  if (shared) link.push(...onlyOwnExports(objects, work));
  // By the C compiler: nothing of the C++ library is used, and none is to be needed.
  await run([...cc, ...flags, "-s", ...link, "-o", output, ...objects], env);
}

/** The libc of a Node, told by its ELF interpreter, whose name lies near the start: `musl` or `glibc`. */
export function libcOf(program) {
  const head = Buffer.alloc(65_536);
  const file = openSync(program, "r");
  readSync(file, head, 0, head.length, 0);
  closeSync(file);
  return head.includes("/ld-musl-") ? "musl" : "glibc";
}

/** The folder below prebuilds/, such as `linux-x64-musl`. */
export function folderOf(arch, libc) {
  return `linux-${arch}${libc === "musl" ? "-musl" : ""}`;
}
