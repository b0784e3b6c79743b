import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Container, describeContainers, fixture, run, tempFolder } from "../e2e/harness.ts";
import { built, drive, inImage, saidOf } from "./image.ts";

function sourceOf(name: string): string {
  if (name === "node") return process.execPath;
  return name === "containerpilot.cjs" ? inImage(name) : built(name as "pilot.node");
}

/** A folder with the launcher and what else is named, each a path in it; the bundle is the driver. */
function image(...places: readonly ("containerpilot" | "pilot.node" | (string & {}))[]): string {
  const folder = tempFolder();
  for (const place of places) {
    const path = join(folder, place);
    mkdirSync(join(path, ".."), { recursive: true });
    const name = place.split("/").at(-1) ?? "";
    copyFileSync(sourceOf(name), path);
  }
  return folder;
}

function start(
  folder: string,
  entrypoint: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Container> {
  return run({ entrypoint, binds: [folder], env });
}

const libm = "/lib/x86_64-linux-gnu/libm.so.6";

describeContainers("the launcher", () => {
  it.each([
    ["beside it", "containerpilot", "containerpilot.cjs", "pilot.node"],
    ["in ../dist", "bin/containerpilot", "dist/containerpilot.cjs", "dist/pilot.node"],
    [
      "in ../lib/containerpilot",
      "bin/containerpilot",
      "lib/containerpilot/containerpilot.cjs",
      "lib/containerpilot/pilot.node",
    ],
    [
      "of the package",
      "prebuilds/linux-x64/containerpilot",
      "dist/containerpilot.cjs",
      "prebuilds/linux-x64/pilot.node",
    ],
  ])("finds bundle and addon %s, and preloads it", async (_, launcher, bundle, addon) => {
    const folder = image(launcher, bundle, addon);
    const box = await start(folder, [join(folder, launcher), "exit", "5"]);
    expect(await box.exit).toEqual({ code: 5 });
    const preloaded = await start(folder, [join(folder, launcher), "guard"]);
    expect(await preloaded.exit).toEqual({ code: 0 });
    expect(saidOf(preloaded, "boot")).toMatchObject([{ preloaded: true }]);
  });

  it("is found through a link, as in /usr/local/bin", async () => {
    const folder = image("opt/containerpilot", "opt/containerpilot.cjs", "opt/pilot.node");
    symlinkSync("opt/containerpilot", join(folder, "cp"));
    const box = await start(folder, [join(folder, "cp"), "exit", "6"]);
    expect(await box.exit).toEqual({ code: 6 });
  });

  it("passes on words and variables, and leaves nothing of its own behind", async () => {
    const box = await drive("launcher", ["run", "/usr/bin/env"], { env: { LD_PRELOAD: libm, OWN: "a b" } });
    expect(await box.exit).toEqual({ code: 0 });
    const names = [...box.stdout.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([line]) => line);
    expect(names).toContain(`LD_PRELOAD=${libm}`);
    expect(names).toContain("OWN=a b");
    expect(box.stdout).not.toMatch(/CP_|NODE_OPTIONS|pilot\.node/);
    expect(saidOf(box, "boot")).toMatchObject([{ preloaded: true }]);
    const bare = await drive("launcher", ["run", "/usr/bin/env"]);
    expect(await bare.exit).toEqual({ code: 0 });
    expect(bare.stdout).not.toMatch(/LD_PRELOAD|CP_/);
  });

  it("can be switched off", async () => {
    const box = await drive("launcher", ["guard"], { env: { CONTAINERPILOT_LAUNCHER: "off" } });
    expect(await box.exit).toEqual({ code: 0 });
    expect(saidOf(box, "boot")).toMatchObject([{ preloaded: false, signals: "blocked" }]);
  });

  it.each([
    ["execs Node", 'exec node "$@"', true],
    ["forks it", 'node "$@"; exit $?', false],
  ])("works with a wrapper that %s", async (_, script, preloaded) => {
    const files = { "wrapper/node": `#!/bin/sh\nuname >/dev/null\n${script}\n` };
    const box = await drive("launcher", ["guard"], { files, env: { CONTAINERPILOT_NODE: "wrapper/node" } });
    expect(await box.exit).toEqual({ code: 0 });
    expect(saidOf(box, "boot")).toMatchObject([{ preloaded, signals: "blocked" }]);
  });

  it("sees that a Node with file capabilities was not preloaded, and keeps the user's own preload for his programs", async () => {
    const folder = image("containerpilot", "containerpilot.cjs", "pilot.node", "node");
    execFileSync(fixture("grants-capability"), [join(folder, "node")]);
    const env = { LD_PRELOAD: libm };
    const box = await run({
      entrypoint: [join(folder, "containerpilot"), "run", "/usr/bin/env"],
      binds: [folder],
      env,
      user: "12345:12345",
    });
    expect(await box.exit).toEqual({ code: 0 });
    expect(saidOf(box, "boot")).toMatchObject([{ preloaded: false, preloadRefused: true, signals: "blocked" }]);
    expect(box.stdout).toContain(`\nLD_PRELOAD=${libm}\n`);
    expect(box.stdout).not.toMatch(/CP_|pilot\.node/);
  });

  it("takes the Node beside it before that of PATH", async () => {
    const folder = image("containerpilot", "containerpilot.cjs", "pilot.node");
    writeFileSync(join(folder, "node"), "#!/bin/sh\necho own $1\nexit 9\n", { mode: 0o755 });
    const box = await start(folder, [join(folder, "containerpilot")]);
    expect(await box.exit).toEqual({ code: 9 });
    expect(box.stdout).toContain("own --optimize-for-size");
  });

  it.each([
    ["", "--optimize-for-size --max-semi-space-size=1 --v8-pool-size=0"],
    ["small", "--lite-mode --max-semi-space-size=1 --v8-pool-size=0"],
  ])("keeps Node's heap small by flags, with CONTAINERPILOT_MEMORY=%j", async (memory, flags) => {
    const folder = image("containerpilot", "containerpilot.cjs", "pilot.node");
    writeFileSync(join(folder, "node"), '#!/bin/sh\necho "$*"\n', { mode: 0o755 });
    const box = await start(folder, [join(folder, "containerpilot"), "word"], { CONTAINERPILOT_MEMORY: memory });
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.stdout).toBe(`${flags} ${folder}/containerpilot.cjs word\n`);
  });

  it("works without /proc", async () => {
    const box = await drive("launcher", ["exit", "7"], { noProc: true });
    expect(await box.exit).toEqual({ code: 7 });
  });

  it("says in one line what it did not find", async () => {
    const folder = image("containerpilot", "pilot.node");
    const box = await start(folder, [join(folder, "containerpilot")]);
    expect(await box.exit).toEqual({ code: 127 });
    expect(box.stderr).toBe(
      `containerpilot: containerpilot.cjs was not found: it belongs beside this program in ${folder}, or in ../dist, ../lib/containerpilot or ../../dist\n`,
    );
    copyFileSync(inImage("containerpilot.cjs"), join(folder, "containerpilot.cjs"));
    const nowhere = await start(folder, [join(folder, "containerpilot")], { PATH: "/nowhere:/proc" });
    expect(await nowhere.exit).toEqual({ code: 127 });
    expect(nowhere.stderr).toBe(
      `containerpilot: Node.js was not found: name it in CONTAINERPILOT_NODE, put \`node\` into ${folder}, or have it in PATH\n`,
    );
  });

  it.each([
    ["/no/such/node", 127, "/no/such/node cannot be run: No such file or directory\n"],
    ["/etc/passwd", 126, "/etc/passwd cannot be run: Permission denied\n"],
    [
      "missing-loader",
      126,
      "missing-loader cannot be run: No such file or directory (its loader is missing: built for another C library?)\n",
    ],
  ])("CONTAINERPILOT_NODE=%s leaves with %i", async (node, code, line) => {
    const files = { "missing-loader": "#!/no/such/loader\n" };
    const env = { CONTAINERPILOT_NODE: node.startsWith("/") ? node : `./${node}` };
    const box = await drive("launcher", ["exit", "0"], { files, env });
    expect(await box.exit).toEqual({ code });
    expect(box.stderr).toBe(`containerpilot: ${node.startsWith("/") ? "" : "./"}${line}`);
  });

  it("goes on without an addon to preload: the bundle says what is missing", async () => {
    const folder = image("containerpilot", "containerpilot.cjs", "pilot.node");
    rmSync(join(folder, "pilot.node"));
    const box = await start(folder, [join(folder, "containerpilot"), "exit", "0"]);
    expect(await box.exit).toEqual({ code: 1 });
    expect(box.stderr).toContain(`pilot.node for linux-x64 glibc was not found; looked at ${folder}/pilot.node, `);
  });

  it("names the addon that cannot be loaded, and why", async () => {
    const folder = image("containerpilot", "containerpilot.cjs", "pilot.node");
    writeFileSync(join(folder, "pilot.node"), "no library");
    const box = await start(folder, ["node", join(folder, "containerpilot.cjs"), "exit", "0"]);
    expect(await box.exit).toEqual({ code: 1 });
    expect(box.stderr).toMatch(
      /pilot\.node cannot be loaded into Node [\d.]+ \(linux-x64 glibc\): .*(too short|invalid ELF)/,
    );
  });

  it("takes the addon of CONTAINERPILOT_ADDON, for preload and runtime", async () => {
    const folder = image("containerpilot", "containerpilot.cjs", "elsewhere/pilot.node");
    const env = { CONTAINERPILOT_ADDON: join(folder, "elsewhere/pilot.node") };
    const box = await start(folder, [join(folder, "containerpilot"), "guard"], env);
    expect(await box.exit).toEqual({ code: 0 });
    expect(saidOf(box, "boot")).toMatchObject([{ preloaded: true }]);
  });

  it("gives the application the limits and the descriptors that the container was given", async () => {
    const box = await drive("launcher", ["run", fixture("prints-state")], { nofile: "1000:20000" });
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.stdout).toMatch(/^nofile 1000 20000$/m);
    expect(box.stdout).toMatch(/^fds 0 1 2$/m);
    expect(box.stdout).toMatch(/^SigBlk 0000000000000000$/m);
    expect(box.stdout).toMatch(/^SigIgn 0000000000000000$/m);
    expect(saidOf(box, "boot")).toMatchObject([{ nofile: { soft: 1000, hard: 20000 } }]);
  });
});
