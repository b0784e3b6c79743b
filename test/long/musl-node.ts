import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { root, tempFolder } from "../e2e/harness.ts";

/**
 * The one program of npm's that is a Node for musl, of the unofficial builds: pnpm, as a single executable application. With
 * its fuse open (Node's documentation, "Single executable applications") it is Node again, 26.0.0.
 */
const carrier = "@pnpm/linuxstatic-x64@11.21.0";
const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:";

/** musl's loader, which is its libc as well, of Debian's musl package. */
const loader = "/lib/ld-musl-x86_64.so.1";
const busybox = "/bin/busybox";

/** Why there can be no Node for musl here; undefined: there can. */
export function muslRefused(): string | undefined {
  if (process.arch !== "x64") return "npm carries a Node for musl for x64 alone";
  const programs = [loader, busybox, "/usr/bin/patchelf"];
  const missing = programs.filter((file) => !existsSync(file));
  return missing.length === 0 ? undefined : `${missing.join(", ")} missing: run scripts/setup musl`;
}

/** Node for musl, unpacked once into build/. */
function muslNode(): string {
  const folder = join(root, "build/node/musl");
  const node = join(folder, "node");
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  const packed = execFileSync("npm", ["pack", "--silent", carrier], { cwd: folder, encoding: "utf8" }).trim();
  execFileSync("tar", ["-xzf", packed, "package/pnpm"], { cwd: folder });
  const program = readFileSync(join(folder, "package/pnpm"));
  const at = program.indexOf(`${fuse}1`);
  if (at < 0) throw new Error(`${carrier} is no single executable application of Node's`);
  program.write("0", at + fuse.length, "latin1");
  writeFileSync(node, program, { mode: 0o755 });
  return node;
}

/**
 * A root file system in which musl is the only libc: its loader, that Node, a static busybox; and, since Debian has no
 * libstdc++ for musl, Debian's own with what it lacks there.
 */
export function makeMuslRoot(): string {
  const made = join(tempFolder(), "musl");
  for (const folder of ["lib", "usr/lib", "usr/bin", "bin", "proc", "dev", "tmp", "etc", "opt", "run", "var"]) {
    mkdirSync(join(made, folder), { recursive: true });
  }
  symlinkSync("/run", join(made, "var/run"));
  copyFileSync(loader, join(made, "lib/ld-musl-x86_64.so.1"));
  copyFileSync(muslNode(), join(made, "usr/bin/node"));
  const libraries = join(made, "usr/lib");
  const library = (name: string) => execFileSync("g++", [`-print-file-name=${name}`], { encoding: "utf8" }).trim();
  for (const name of ["libstdc++.so.6", "libgcc_s.so.1"]) copyFileSync(library(name), join(libraries, name));
  const shim = [
    "-O2",
    "-fPIC",
    "-shared",
    "-nostdlib",
    "-fno-exceptions",
    "-fno-rtti",
    "-o",
    join(libraries, "libshim.so"),
  ];
  execFileSync("g++", [...shim, join(root, "test/fixtures/musl-libstdcxx.cc")]);
  const glibc = ["--remove-needed", "ld-linux-x86-64.so.2"];
  execFileSync("patchelf", [...glibc, join(libraries, "libstdc++.so.6")]);
  execFileSync("patchelf", [...glibc, "--add-needed", "libshim.so", join(libraries, "libgcc_s.so.1")]);
  copyFileSync(busybox, join(made, "bin/busybox"));
  const applets = execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const applet of applets.filter((name) => name !== "busybox")) symlinkSync("busybox", join(made, "bin", applet));
  for (const [device, minor] of [
    ["null", 3],
    ["urandom", 9],
  ] as const) {
    execFileSync("mknod", ["-m", "666", join(made, "dev", device), "c", "1", String(minor)]);
  }
  return made;
}

/** The npm package's files with a release's prebuilds for glibc and musl, as `npm install` leaves them. */
export function placePackage(folder: string): void {
  execFileSync(join(root, "scripts/prebuild"), ["linux-x64", "linux-x64-musl"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
  for (const target of ["linux-x64", "linux-x64-musl"]) {
    cpSync(join(root, "prebuilds", target), join(folder, "prebuilds", target), { recursive: true });
  }
  mkdirSync(join(folder, "scripts"));
  copyFileSync(join(root, "scripts/containerpilot"), join(folder, "scripts/containerpilot"));
  chmodSync(join(folder, "scripts/containerpilot"), 0o755);
  // A checkout's own, of this machine's libc.
  execFileSync("rm", [join(folder, "dist/containerpilot"), join(folder, "dist/pilot.node")]);
}
