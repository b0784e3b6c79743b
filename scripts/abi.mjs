#!/usr/bin/env node
// What a compiled file asks of the machine that it will run on: node scripts/abi.mjs [--host] TARGET FILE…, one line a fault.
// --host: the file was linked with this machine's libc, so names that only moved in it since count as what they were.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { basename, relative } from "node:path";
import { pathToFileURL } from "node:url";

/** Node's own floors: an addon must not be what keeps a machine from being supported. */
const ceilings = { GLIBC: "2.28", GLIBCXX: "3.4.21", CXXABI: "1.3.9" };

const machines = { x64: /X86-64/, arm64: /AArch64/ };

/** What an addon may link with. */
const libraries = {
  glibc: /^(libc\.so\.6|libpthread\.so\.0|libdl\.so\.2|libm\.so\.6|libstdc\+\+\.so\.6|libgcc_s\.so\.1|ld-linux-.*)$/,
  musl: /^libc\.(so|musl-.*)$/,
};

function readelf(option, file) {
  const done = spawnSync("readelf", ["--wide", option, file], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  if (done.error !== undefined || done.status !== 0) {
    throw new Error(`readelf ${option} ${file}: ${done.error?.message ?? done.stderr.trim()}`);
  }
  return done.stdout;
}

function isNewer(version, than) {
  const [a, b] = [version, than].map((text) => text.split(".").map(Number));
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) > (b[i] ?? 0);
  }
  return false;
}

/**
 * What a file imports.
 * @returns {{machine: string, interpreter: boolean, libraries: string[], symbols: {name: string, library?: string, version?: string}[]}}
 *   symbols: `{name: "fstat", library: "GLIBC", version: "2.33"}`, those of a library without versions with the name alone
 */
export function imports(file) {
  const symbols = [...readelf("--dyn-syms", file).matchAll(/ (?:GLOBAL|WEAK) +\w+ +UND (\S+)/g)].map(([, symbol]) => {
    const [name, library, version] = /^([^@]+)(?:@+([A-Z]+)_([0-9.]+))?/.exec(symbol)?.slice(1) ?? [symbol];
    return version === undefined ? { name } : { name, library, version };
  });
  return {
    machine: /Machine: +(.*)/.exec(readelf("--file-header", file))?.[1] ?? "",
    interpreter: /INTERP/.test(readelf("--program-headers", file)),
    libraries: [...readelf("--dynamic", file).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name),
    symbols,
  };
}

/**
 * Imports that are newer than the oldest supported machine has.
 * @param {ReturnType<typeof imports>["symbols"]} symbols
 */
export function tooNew(symbols) {
  return symbols.filter(({ library, version }) => library in ceilings && isNewer(version, ceilings[library]));
}

/** Functions of glibc before 2.28 that got a later version when they moved into libc.so (2.33, 2.34). */
const moved =
  /^([fl]?stat(64)?|fstatat(64)?|mknod(at)?|dl(open|close|sym|error|addr)|pthread_(create|join|detach|kill|once|setname_np|attr_(init|destroy|setstacksize|setdetachstate)|key_\w+|[gs]etspecific)|__pthread_(register_cancel|unregister_cancel|unwind_next))$/;

/** Names of Node-API 8, the newest that every supported Node has. */
function nodeApi() {
  const { js_native_api_symbols, node_api_symbols } = createRequire(import.meta.url)("node-api-headers").symbols.v8;
  return new Set([...js_native_api_symbols, ...node_api_symbols]);
}

/**
 * What keeps a file from running on a target, in words; none when it is right.
 * @param {string} file `pilot.node`, the addon, or `containerpilot`, the launcher, which is static
 * @param {string} target a folder of prebuilds/, such as `linux-arm64-musl`
 * @param {boolean} host see above
 */
export function faults(file, target, host = false) {
  const [, arch, musl] = target.split("-");
  const found = imports(file);
  const wrong = [];
  if (!machines[arch].test(found.machine)) wrong.push(`is for ${found.machine}`);
  if (basename(file) === "containerpilot") {
    if (found.libraries.length > 0 || found.interpreter) wrong.push("is not static");
  } else {
    const libc = musl === undefined ? "glibc" : "musl";
    const api = nodeApi();
    wrong.push(...found.libraries.filter((name) => !libraries[libc].test(name)).map((name) => `needs ${name}`));
    const newer = tooNew(found.symbols).filter(({ name }) => !host || !moved.test(name));
    wrong.push(...newer.map(({ name, library, version }) => `needs ${name}@${library}_${version}`));
    for (const { name } of found.symbols) {
      if (/^(napi|node_api)_/.test(name) && !api.has(name)) wrong.push(`needs ${name}, which is not in Node-API 8`);
      // Operators of C++ and the like, which no library that it links with has.
      if (/^(_Z|__cxa_(?!finalize$|atexit$))/.test(name)) wrong.push(`needs ${name} of the C++ library`);
    }
  }
  return wrong.map((fault) => `${relative(process.cwd(), file)} ${fault}, as ${target}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const words = process.argv.slice(2);
  const host = words[0] === "--host";
  const [target, ...files] = host ? words.slice(1) : words;
  const wrong = files.flatMap((file) => faults(file, target, host));
  for (const fault of wrong) process.stdout.write(`${fault}\n`);
  if (wrong.length > 0) process.exitCode = 1;
}
