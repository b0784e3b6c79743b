import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { explainExec, interpreterOf } from "../../../src/runtime/diagnose.ts";
import { findProgram } from "../../../src/runtime/programs.ts";

const root = mkdtempSync(join(tmpdir(), "programs-"));
const first = join(root, "first");
const second = join(root, "second");
afterAll(() => rmSync(root, { recursive: true }));

function file(path: string, mode: number, text = "#!/bin/sh\n"): string {
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

mkdirSync(first);
mkdirSync(second);
mkdirSync(join(first, "both"));
file(join(second, "both"), 0o755);
file(join(second, "tool"), 0o755);
file(join(first, "shy"), 0o644);
const path = `${first}:${second}`;

describe("finding a program", () => {
  it("takes the first executable file in PATH, and no directory", () => {
    expect(findProgram("both", path)).toEqual({ file: join(second, "both") });
    expect(findProgram("tool", path)).toEqual({ file: join(second, "tool") });
  });

  it("takes a name with a slash as it is", () => {
    expect(findProgram("./anything", path)).toEqual({ file: "./anything" });
  });

  it("tells a missing program from one that may not be executed", () => {
    expect(findProgram("nothing", path)).toEqual({ errno: "ENOENT" });
    expect(findProgram("shy", path)).toEqual({ errno: "EACCES" });
    expect(findProgram("", path)).toEqual({ errno: "ENOENT" });
  });

  it("searches the system's places when PATH is not set", () => {
    expect(findProgram("sh", undefined)).toEqual({ file: "/bin/sh" });
  });
});

describe("why a program could not be started", () => {
  const script = file(join(root, "script"), 0o755, "#!/no/such/interpreter -x\n");
  const cases: [string, string | undefined, string, string][] = [
    ["nothing", undefined, "ENOENT", "'nothing' is not in PATH (/bin)"],
    ["/no/app", "/no/app", "ENOENT", "'/no/app' does not exist"],
    [
      "script",
      script,
      "ENOENT",
      `'script' (${script}) names the interpreter '/no/such/interpreter', which does not exist`,
    ],
    ["", undefined, "ENOENT", "the command is empty: there is no program to start"],
    [root, root, "EACCES", `'${root}' is a directory, not a program`],
    ["text", join(first, "shy"), "ENOEXEC", "'text' is neither a binary for this machine nor a script"],
    ["shy", undefined, "EACCES", "'shy' may not be executed"],
    ["many", "/bin/many", "EAGAIN", "the limit of processes is reached"],
  ];
  it.each(cases)("%s (%s): %s", (name, at, errno, expected) => {
    expect(explainExec(name, at, errno, "/bin")).toContain(expected);
  });

  it("reads the loader that a binary names", () => {
    const found = interpreterOf(process.execPath);
    expect(found?.kind).toBe("loader");
    expect(found?.path).toMatch(/^\/lib.*\/ld-/);
  });
});
