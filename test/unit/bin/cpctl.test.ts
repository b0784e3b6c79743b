/** The program itself, bundled, from its argv to its exit code. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle } from "../../../scripts/bundle.mjs";

const root = join(import.meta.dirname, "../../..");
let folder: string;
let file: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "cpctl-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const src = join(root, "src");
  await bundle({ entries: { cpctl: join(src, "bin/cpctl.ts") }, src, outdir: join(folder, "dist") });
  file = join(folder, "cp.json");
  writeFileSync(file, '{"consul": "{{ .CONSUL }}:8500", "services": []{{ if .TASKS }}, "taskss": []{{ end }}}');
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true }));

function cpctl(
  args: readonly string[],
  env: Record<string, string> = {},
): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, "dist/cpctl.cjs"), ...args], {
    encoding: "utf8",
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  return { status, out: stdout, err: stderr };
}

describe("cpctl", () => {
  it("checks", () => {
    expect(cpctl(["check", file, "--env", "CONSUL=c"])).toMatchObject({ status: 0, err: "" });
    expect(cpctl(["check", file], { CONSUL: "c" }).out).toContain("consul at http://c:8500");
    expect(cpctl(["check", "--no-inherit", file], { CONSUL: "c" }).out).toContain("consul at http://:8500");
    expect(cpctl(["check", file, "--env", "TASKS=1"])).toMatchObject({ status: 2 });
    expect(cpctl(["check", file, "--all-branches"])).toMatchObject({ status: 2 });
    expect(cpctl(["check", "--strict", file, "--", "npm", "start"])).toMatchObject({ status: 1 });
    const variables = join(folder, "variables");
    writeFileSync(variables, "CONSUL=from-file\n");
    expect(cpctl(["check", "--env-file", variables, file]).out).toContain("consul at http://from-file:8500");
    expect(cpctl(["check"], { CONTAINERPILOT: "{}" })).toMatchObject({ status: 0 });
    expect(JSON.parse(cpctl(["check", "--json", file]).out)).toMatchObject({ ok: true });
  });

  it("renders", () => {
    expect(cpctl(["render", file, "--env", "CONSUL=a=b"])).toEqual({
      status: 0,
      out: '{"consul": "a=b:8500", "services": []}',
      err: "",
    });
    const out = join(folder, "out.json");
    expect(cpctl(["render", file, "--out", `file://${out}`])).toMatchObject({ status: 0, out: "" });
    expect(readFileSync(out, "utf8")).toBe('{"consul": ":8500", "services": []}');
    expect(cpctl(["render", file, "--out", "/none/x"])).toMatchObject({
      status: 73,
      err: "cpctl: /none/x: cannot be written (ENOENT)\n",
    });
    expect(cpctl(["render", "{{ .X"])).toMatchObject({ status: 2, out: "" });
    expect(existsSync("/none/x")).toBe(false);
  });

  it("prints schemas", () => {
    for (const args of [[], ["v2"], ["v3"]]) {
      const { status, out } = cpctl(["schema", ...args]);
      expect(status).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema" });
    }
  });

  // A missing --env-file is tried in tools/check.test.ts: Node 20 takes that option for its own wherever it stands, and
  // leaves with 9 before we begin.
  it.each([
    [["chekc"], "unknown command 'chekc'\n(Did you mean check?)"],
    [["check", "--jsn"], "unknown option '--jsn'\n(Did you mean --json?)"],
    [["schema", "v4"], "Allowed choices are v2, v3."],
    [["check", "--env", "a b=c", "{}"], 'cpctl: --env: "a b=c" is no NAME=VALUE'],
  ])("%j is wrong use", (args, message) => {
    const { status, out, err } = cpctl(args);
    expect({ status, out }).toEqual({ status: 64, out: "" });
    expect(err).toContain(message);
    expect(err).not.toContain("at ");
  });

  it("helps, and tells its version", () => {
    expect(cpctl(["--help"]).out).toContain("check [options] [file] [words...]");
    expect(cpctl(["--version"]).out).toMatch(/^\d+\.\d+\.\d+/);
    expect(cpctl(["check", "--help"]).out).toContain("Exit code: 0 right, 1 warnings with --strict, 2 refused.");
  });
});
