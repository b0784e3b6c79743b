import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { describeContainers, PATH, root, run, tempFolder } from "./harness.ts";

/** An installation made once, to be copied. */
let installed: string;

function cpctl(...words: readonly string[]) {
  return spawnSync(process.execPath, [join(root, "dist/cpctl.cjs"), "install", ...words], {
    encoding: "utf8",
    env: { PATH },
  });
}

/** The command's words, without V8's code, which takes a start. */
function installWords(directory: string): string[] {
  return [process.execPath, join(root, "dist/cpctl.cjs"), "install", "--no-code-cache", directory];
}

beforeAll(() => {
  installed = join(tempFolder(), "opt");
  expect(cpctl(installed)).toMatchObject({ status: 0, stderr: "" });
});

/** Every file with its time and contents. */
function contents(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => `${name} ${statSync(join(folder, name)).mtimeMs} ${readFileSync(join(folder, name), "base64")}`)
    .sort();
}

async function start(folder: string, env: Readonly<Record<string, string>> = {}) {
  const container = await run({
    entrypoint: [join(folder, "containerpilot")],
    binds: [folder],
    config: {},
    words: ["sh", "-c", "echo parent is $PPID; env; exit 4"],
    env,
  });
  expect(await container.exit).toEqual({ code: 4 });
  expect(container.stdout).toContain("parent is 1\n");
  expect(container.stdout).not.toContain("CP_CODE_CACHE");
  return container;
}

function copy(): string {
  const folder = tempFolder();
  cpSync(installed, folder, { recursive: true, preserveTimestamps: true });
  return folder;
}

describeContainers("cpctl install", () => {
  it("makes an installation with V8's code for this Node, which runs and writes nothing", async () => {
    const before = contents(installed);
    expect(before.map((line) => line.split(" ")[0])).toContain("code.cache");
    const { stderr } = await start(installed);
    expect(stderr).not.toContain("code.cache");
    expect(contents(installed)).toEqual(before);
  });

  it("runs the code that was kept", async () => {
    const folder = copy();
    // V8 says whether it took the code; what NODE_OPTIONS requires is no flag of the command line.
    writeFileSync(
      join(folder, "told.cjs"),
      'const vm = require("node:vm"); const { Script } = vm; vm.Script = class extends Script { constructor(...a) { super(...a); require("node:fs").writeSync(2, `refused ${a[1].filename.split("/").at(-1)} ${this.cachedDataRejected}\\n`); } };',
    );
    const flags = ["--optimize-for-size", "--max-semi-space-size=1", "--v8-pool-size=0"];
    const container = await run({
      entrypoint: [process.execPath, ...flags, join(folder, "containerpilot.cjs")],
      binds: [folder],
      config: {},
      words: ["true"],
      env: { NODE_OPTIONS: `--require=${join(folder, "told.cjs")}` },
    });
    expect(await container.exit).toEqual({ code: 0 });
    for (const name of ["init", "core-core", "config-v2-index"]) {
      expect(container.stderr).toContain(`refused ${name}.cjs false\n`);
    }
  });

  it("notices a stale cache, and starts without it", async () => {
    const small = await start(copy(), { CONTAINERPILOT_MEMORY: "small" });
    expect(small.stderr).toMatch(
      /code\.cache is ignored: it was made for Node [^\n]*--optimize-for-size[^\n]*--lite-mode/,
    );

    const damaged = copy();
    const bytes = readFileSync(join(damaged, "code.cache"));
    bytes[bytes.length >> 2] = (bytes[bytes.length >> 2] ?? 0) ^ 1;
    writeFileSync(join(damaged, "code.cache"), bytes);
    expect((await start(damaged)).stderr).toContain("code.cache is ignored: it is damaged");

    const cut = copy();
    writeFileSync(join(cut, "code.cache"), bytes.subarray(0, bytes.length >> 1));
    expect((await start(cut)).stderr).toContain("code.cache is ignored: it is damaged");

    const written = copy();
    chmodSync(join(written, "code.cache"), 0o664);
    expect((await start(written)).stderr).toContain("code.cache is ignored: others than the bundle's owner could have");

    const given = copy();
    chownSync(join(given, "code.cache"), 1000, 0);
    expect((await start(given)).stderr).toContain("code.cache is ignored: others than the bundle's owner could have");

    const heads = copy();
    for (const head of [Buffer.alloc(0), Buffer.from([255, 255, 255, 255]), Buffer.from("\u0002\0\0\0{}and more")]) {
      writeFileSync(join(heads, "code.cache"), head);
      expect((await start(heads)).stderr).toContain("code.cache is ignored: it");
    }

    const changed = copy();
    appendFileSync(join(changed, "init.cjs"), "\n");
    expect((await start(changed)).stderr).toContain("code.cache is ignored: init.cjs has changed since");
  });

  it("leaves the code out where it is told to, or cannot make it, and says so", async () => {
    const plain = join(tempFolder(), "plain");
    expect(cpctl("--no-code-cache", plain).status).toBe(0);
    expect(readdirSync(plain)).not.toContain("code.cache");
    expect((await start(plain)).stderr).not.toContain("code.cache");
    expect(cpctl(join(root, "dist"))).toMatchObject({ status: 64, stderr: expect.stringContaining("lies already") });

    const broken = join(tempFolder(), "dist");
    cpSync(join(root, "dist"), broken, { recursive: true });
    copyFileSync("/bin/false", join(broken, "node"));
    const to = join(tempFolder(), "to");
    const done = spawnSync(process.execPath, [join(broken, "cpctl.cjs"), "install", to], {
      encoding: "utf8",
      env: { PATH },
    });
    expect(done).toMatchObject({ status: 0, stdout: expect.stringMatching(/no code cache: the start ended with 1/) });
    expect(readdirSync(to)).not.toContain("init.cjs");
  });

  it("installs where a path leads from here, again over itself, beside what is somebody else's, for every user", () => {
    const folder = tempFolder();
    mkdirSync(join(folder, "app/chunks"), { recursive: true });
    for (const name of ["app/own", "app/chunks/own"]) writeFileSync(join(folder, name), "mine");
    for (const time of [1, 2]) {
      expect(
        spawnSync("sh", ["-c", 'umask 077; exec "$@"', "sh", ...installWords("new/../app")], { cwd: folder }),
      ).toMatchObject({ status: 0 });
      if (time === 1)
        for (const name of ["app/own", "app/chunks/own"]) expect(readFileSync(join(folder, name), "utf8")).toBe("mine");
      else expect(readFileSync(join(folder, "app/own"), "utf8")).toBe("mine");
    }
    expect(
      spawnSync("sh", ["-c", 'umask 077; exec "$@"', "sh", ...installWords("deep/er")], { cwd: folder }),
    ).toMatchObject({ status: 0 });
    for (const at of ["app", "deep/er"]) {
      const closed = readdirSync(join(folder, at), { recursive: true, encoding: "utf8" }).filter(
        (name) => !/(^|\/)own$/.test(name) && (statSync(join(folder, at, name)).mode & 0o444) !== 0o444,
      );
      expect(closed).toEqual([]);
    }
  });

  it("says in one line where it cannot be, and leaves itself as it was", () => {
    const folder = tempFolder();
    writeFileSync(join(folder, "file"), "");
    const own = join(folder, "dist");
    cpSync(join(root, "dist"), own, { recursive: true });
    symlinkSync(own, join(folder, "link"));
    const from = (program: string, ...words: string[]) =>
      spawnSync(process.execPath, [join(program, "cpctl.cjs"), "install", "--no-code-cache", ...words], {
        encoding: "utf8",
        cwd: folder,
        env: { PATH },
      });
    for (const [place, code, words] of [
      ["file", 73, /^cpctl: \S+file: cannot be written \(EEXIST\)\n$/],
      ["file/below", 73, /^cpctl: \S+file\/below: cannot be written \(ENOTDIR\)\n$/],
      ["/proc/1/x", 73, /^cpctl: \/proc\/1\/x: cannot be written \(\w+\)\n$/],
      ["link", 64, /^cpctl: \S+link is where it lies already: choose another directory\n$/],
      ["", 64, /^cpctl: the directory has no name\n$/],
    ] as const) {
      const { status, stdout, stderr } = from(own, place);
      expect({ place, status, stdout }).toEqual({ place, status: code, stdout: "" });
      expect(stderr).toMatch(words);
    }
    expect(readdirSync(own)).toEqual(readdirSync(join(root, "dist")));
    // root may write everywhere.
    mkdirSync(join(folder, "closed"), { mode: 0o755 });
    chmodSync(folder, 0o755);
    const words = ["--reuid", "1000", "--regid", "1000", "--clear-groups", ...installWords(join(folder, "closed"))];
    const user = spawnSync("setpriv", words, { encoding: "utf8", env: { PATH } });
    expect(user).toMatchObject({
      status: 73,
      stderr: expect.stringMatching(/^cpctl: \S+: cannot be written \(EACCES\)\n$/),
    });
  });
});
