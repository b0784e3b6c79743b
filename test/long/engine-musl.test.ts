import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root, tempFolder } from "../e2e/harness.ts";

/** What Debian's musl-tools bring for this machine. */
const triplet = process.arch === "arm64" ? "aarch64-linux-musl" : "x86_64-linux-musl";
const gnuTriplet = triplet.replace("musl", "gnu");
const library = `/lib/ld-musl-${triplet.split("-")[0]}.so.1`;
const refused = existsSync(library) ? undefined : "musl is missing: run scripts/setup musl";

function must(program: string, ...words: readonly string[]): string {
  const done = spawnSync(program, words, { cwd: root, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${program} ${words.join(" ")}: ${done.status}\n${done.stderr}`);
  return done.stdout;
}

const common = ["-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fvisibility=hidden", "-fstack-protector-strong"];
const c = ["-std=gnu11", ...common];
// GCC's own C++ headers ask glibc for its version.
const cc = [
  "-std=c++17",
  "-fno-exceptions",
  "-fno-rtti",
  "-fno-threadsafe-statics",
  ...common,
  "-D__GLIBC_PREREQ(a,b)=0",
];

/** The compiler's headers, musl's, the kernel's and Node-API's; none of glibc's. */
function headers(): string[] {
  const kernel = tempFolder();
  symlinkSync("/usr/include/linux", join(kernel, "linux"));
  symlinkSync("/usr/include/asm-generic", join(kernel, "asm-generic"));
  symlinkSync(`/usr/include/${gnuTriplet}/asm`, join(kernel, "asm"));
  const version = must("g++", "-dumpversion").trim().split(".")[0];
  const nodeApi: { include_dir: string } = createRequire(import.meta.url)("node-api-headers");
  const folders = [
    `/usr/include/c++/${version}`,
    `/usr/include/${gnuTriplet}/c++/${version}`,
    `/usr/include/${triplet}`,
    kernel,
    must("g++", "-print-file-name=include").trim(),
    nodeApi.include_dir,
  ];
  return ["-nostdinc", ...folders.flatMap((folder) => ["-isystem", folder])];
}

function names(words: readonly string[]): string[] {
  const lines = must("nm", "--dynamic", "--format=posix", ...words).split("\n");
  return lines.map((line) => line.split(" ")[0]?.split("@")[0] ?? "").filter((name) => name !== "");
}

const title = refused === undefined ? "for musl" : `for musl (skipped: ${refused})`;
if (refused !== undefined) process.stderr.write(`musl tests skipped: ${refused}\n`);

describe.skipIf(refused !== undefined)(title, () => {
  it("compiles the addon, which needs nothing but musl's libc and takes only what is there", () => {
    const folder = tempFolder();
    const include = headers();
    const sources = readdirSync(join(root, "native")).filter(
      (name) => /\.(cc|c)$/.test(name) && !name.startsWith("launcher"),
    );
    for (const name of sources) {
      const [compiler, flags] = name.endsWith(".cc") ? ["g++", cc] : ["gcc", c];
      const output = ["-c", "-o", join(folder, `${name}.o`), join("native", name)];
      must(compiler, ...flags, "-pthread", "-DNAPI_VERSION=8", ...include, ...output);
    }
    const addon = join(folder, "pilot.node");
    must("musl-gcc", "-shared", "-o", addon, ...sources.map((name) => join(folder, `${name}.o`)), "-lgcc");
    const needed = [...must("readelf", "--dynamic", addon).matchAll(/NEEDED.*\[(.*)\]/g)].map(([, name]) => name);
    expect(needed).toEqual(["libc.so"]);
    const there = new Set(names(["--defined-only", library]));
    expect(there.size).toBeGreaterThan(1000);
    // Node brings the first; the others are weak and GCC's.
    const taken = names(["--undefined-only", addon]).filter((name) => !/^(napi_|_ITM_)/.test(name));
    expect(taken).toContain("waitid");
    expect(taken.filter((name) => !there.has(name))).toEqual([]);
  });

  it("compiles the launcher, which runs", () => {
    const launcher = join(tempFolder(), "containerpilot");
    const launchers = readdirSync(join(root, "native")).flatMap((name) => {
      return /^launcher.*\.c$/.test(name) ? [join("native", name)] : [];
    });
    must("musl-gcc", ...c, "-static", "-o", launcher, ...launchers);
    const done = spawnSync(launcher, ["true"], { encoding: "utf8" });
    expect(done.status).toBe(127);
    expect(done.stderr).toMatch(/^containerpilot: .*containerpilot\.cjs/);
  });
});
