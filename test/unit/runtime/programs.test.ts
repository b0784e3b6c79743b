import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { explainAttribute, explainExec } from "../../../src/runtime/diagnose.ts";
import { interpreterOf } from "../../../src/runtime/interpreters.ts";
import { findProgram } from "../../../src/runtime/programs.ts";

const root = mkdtempSync(join(tmpdir(), "programs-"));
const first = join(root, "first");
const second = join(root, "second");
afterAll(() => rmSync(root, { recursive: true }));

function file(path: string, mode: number, text = "#!/bin/sh\n"): string {
  writeFileSync(path, text, "latin1");
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
  const ofScript = file(join(root, "of-script"), 0o755, `#!${script}\n`);
  const windows = file(join(root, "windows"), 0o755, "#!/bin/sh\r\necho\r\n");
  /** The head of an ELF file: class 1 or 2, machine, interpreter (elf(5)). */
  const elf = (name: string, bits: 32 | 64, machine: number, interpreter: string): string => {
    const head = Buffer.alloc(256);
    head.write("\x7fELF", "latin1");
    head[4] = bits / 32;
    head.writeUInt16LE(machine, 18);
    const [phoff, phentsize, phnum, offset, filesz] = bits === 64 ? [32, 54, 56, 8, 32] : [28, 42, 44, 4, 16];
    head.writeUInt32LE(64, phoff);
    head.writeUInt16LE(bits === 64 ? 56 : 32, phentsize);
    head.writeUInt16LE(1, phnum);
    head.writeUInt32LE(3, 64);
    head.writeUInt32LE(128, 64 + (offset ?? 0));
    head.writeUInt32LE(interpreter.length + 1, 64 + (filesz ?? 0));
    head.write(interpreter, 128, "latin1");
    return file(join(root, name), 0o755, head.toString("latin1"));
  };
  const musl = elf("musl", 64, 62, "/lib/ld-musl-none.so.1");
  const small = elf("small", 32, 3, "/lib/ld-linux-none.so.2");
  const foreign = elf("foreign", 64, process.arch === "s390x" ? 62 : 22, "/lib/ld-none.so.1");
  const cases: [string, string | undefined, string, string][] = [
    ["nothing", undefined, "ENOENT", "'nothing' is not in PATH (/bin)"],
    ["/no/app", "/no/app", "ENOENT", "'/no/app' does not exist"],
    [
      "script",
      script,
      "ENOENT",
      `'script' (${script}) names the interpreter '/no/such/interpreter', which does not exist`,
    ],
    ["of-script", ofScript, "ENOENT", `runs by '${script}', which names the interpreter '/no/such/interpreter'`],
    ["windows", windows, "ENOENT", "names the interpreter '/bin/sh' with a carriage return behind it"],
    ["musl", musl, "ENOENT", "needs the loader '/lib/ld-musl-none.so.1', which does not exist: it was built for musl"],
    [
      "small",
      small,
      "ENOENT",
      "needs the loader '/lib/ld-linux-none.so.2', which does not exist: it was built for glibc",
    ],
    [
      "foreign",
      foreign,
      "ENOEXEC",
      `was built for ${process.arch === "s390x" ? "x64" : "s390x"}, and this is ${process.arch}`,
    ],
    ["", undefined, "ENOENT", "the command is empty: there is no program to start"],
    [root, root, "EACCES", `'${root}' is a directory, not a program`],
    [
      "text",
      file(join(first, "text"), 0o755, "echo\n"),
      "ENOEXEC",
      `'text' (${join(first, "text")}) is neither a binary for this machine nor a script`,
    ],
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

describe("why an attribute of a process could not be set", () => {
  const attributes = {
    cwd: "/no/folder",
    uid: 33,
    groups: [4, 5],
    limits: { nofile: [10, 20], core: [0, 0] },
    nice: -5,
    oomScoreAdj: -100,
    capabilities: ["NET_RAW", "KILL"],
  } as const;
  it.each([
    ["cwd", "ENOENT", "cwd /no/folder cannot be set: there is no such directory (ENOENT)"],
    ["cwd", "EACCES", "cwd /no/folder cannot be set: it may not be entered (EACCES)"],
    ["uid", "EPERM", "uid 33 cannot be set: it takes the capability SETUID (EPERM)"],
    ["groups", "EPERM", "groups 4:5 cannot be set: it takes the capability SETGID (EPERM)"],
    [
      "limits nofile",
      "EPERM",
      "limits nofile 10:20 cannot be set: more than the hard limit takes the capability SYS_RESOURCE (EPERM)",
    ],
    ["limits core", "EINVAL", "limits core 0:0 cannot be set: EINVAL"],
    ["nice", "EACCES", "nice -5 cannot be set: less than the init's takes the capability SYS_NICE (EACCES)"],
    ["oomScoreAdj", "ENOENT", "oomScoreAdj -100 cannot be set: /proc is not there (ENOENT)"],
    ["capabilities NET_RAW", "EPERM", "capabilities NET_RAW cannot be set: the init does not have it itself (EPERM)"],
  ])("%s, %s", (step, errno, words) => {
    expect(explainAttribute(step, attributes, errno)).toBe(words);
  });
});
