import { spawnSync } from "node:child_process";
import { appendFileSync, copyFileSync, cpSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
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
});
