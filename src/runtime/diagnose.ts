/** Why a program could not be started, in words. Loaded only when one could not. */

import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import type { ProcessAttributes } from "../plan.ts";

const HEAD_BYTES = 4096;
const ELF_MAGIC = 0x7f454c46;
const PT_INTERP = 3;
const INTERPRETERS_MAX = 5;

/** e_machine of elf(5), as Node names processors. */
const MACHINES: Readonly<Record<number, string>> = {
  3: "ia32",
  8: "mips",
  20: "ppc",
  21: "ppc64",
  22: "s390x",
  40: "arm",
  62: "x64",
  183: "arm64",
  243: "riscv64",
  258: "loong64",
};

/** One sentence for the log: what is wrong with the program and what to do about it. */
export function explainExec(name: string, file: string | undefined, errno: string, path: string | undefined): string {
  if (errno === "ENOENT") return missing(name, file, path);
  if (errno === "EACCES") return refused(name, file);
  if (errno === "ENOEXEC") return noProgram(name, file);
  if (errno === "EAGAIN") return `'${name}' could not be started: the limit of processes is reached (pids or nproc)`;
  if (errno === "ENOMEM") return `'${name}' could not be started: no memory is left`;
  if (errno === "ECANCELED") return `'${name}' was stopped before there was room for it`;
  if (errno === "E2BIG") return `'${name}' could not be started: its arguments and environment are too long`;
  return `'${name}' could not be started: ${errno}`;
}

/** What each attribute takes, for EPERM and EACCES (capabilities(7)). */
const TAKES: Readonly<Record<string, string>> = {
  limits: "more than the hard limit takes the capability SYS_RESOURCE",
  nice: "less than the init's takes the capability SYS_NICE",
  oomScoreAdj: "less than the init's takes the capability SYS_RESOURCE",
  groups: "it takes the capability SETGID",
  gid: "it takes the capability SETGID",
  uid: "it takes the capability SETUID",
  capabilities: "the init does not have it itself",
  cwd: "it may not be entered",
};

/** Why an attribute of a process could not be set. `step`: as the pilot names it. */
export function explainAttribute(step: string, attributes: ProcessAttributes, errno: string): string {
  const [name = "", item] = step.split(" ");
  const found = (attributes as Readonly<Record<string, unknown>>)[name];
  const value = name === "limits" && item !== undefined ? attributes.limits?.[item] : (item ?? found);
  const shown = value === undefined ? "" : ` ${Array.isArray(value) ? value.join(":") : value}`;
  return `${name === "limits" ? step : name}${shown} cannot be set: ${whyNot(name, errno)}`;
}

function whyNot(name: string, errno: string): string {
  const takes = TAKES[name];
  if ((errno === "EPERM" || errno === "EACCES") && takes !== undefined) return `${takes} (${errno})`;
  if (errno === "ENOENT" || errno === "ENOTDIR")
    return name === "cwd" ? `there is no such directory (${errno})` : `/proc is not there (${errno})`;
  return errno;
}

function missing(name: string, file: string | undefined, path: string | undefined): string {
  if (file === undefined || !existsSync(file)) {
    if (name === "") return "the command is empty: there is no program to start";
    return name.includes("/") ? `'${name}' does not exist` : `'${name}' is not in PATH (${path ?? "not set"})`;
  }
  let at = file;
  // An interpreter can be a script itself, but not for ever (execve(2)).
  for (let depth = 0; depth < INTERPRETERS_MAX; depth += 1) {
    const interpreter = interpreterOf(at);
    if (interpreter === undefined) break;
    if (existsSync(interpreter.path)) {
      at = interpreter.path;
      continue;
    }
    const what = at === file ? `'${name}' (${file})` : `'${name}' (${file}) runs by '${at}', which`;
    return interpreter.kind === "script" ? noInterpreter(what, interpreter.path) : noLoader(what, interpreter.path);
  }
  return `'${name}' does not exist`;
}

function noInterpreter(what: string, path: string): string {
  if (path.endsWith("\r"))
    return `${what} names the interpreter '${path.slice(0, -1)}' with a carriage return behind it: save it with Unix line ends`;
  return `${what} names the interpreter '${path}', which does not exist`;
}

function noLoader(what: string, path: string): string {
  const libc = path.includes("/ld-musl-") ? "musl" : path.includes("/ld-linux") ? "glibc" : "another C library";
  return `${what} needs the loader '${path}', which does not exist: it was built for ${libc}, which is not here`;
}

function refused(name: string, file: string | undefined): string {
  try {
    if (file !== undefined && statSync(file).isDirectory()) return `'${name}' is a directory, not a program`;
  } catch {
    // Not to be seen either: the sentence below holds.
  }
  return `'${name}'${file === undefined ? "" : ` (${file})`} may not be executed: check its mode (chmod +x) and the mount's noexec`;
}

function noProgram(name: string, file: string | undefined): string {
  const head = file === undefined ? undefined : readHead(file);
  const machine = head !== undefined && isElf(head) ? head.readUInt16LE(18) : undefined;
  const built = machine === undefined ? undefined : (MACHINES[machine] ?? `machine ${machine}`);
  if (built !== undefined && built !== process.arch)
    return `'${name}' (${file}) was built for ${built}, and this is ${process.arch}`;
  return `'${name}' is neither a binary for this machine nor a script: its first line must name an interpreter (#!/bin/sh)`;
}

/** The interpreter that a script's first line or a binary's program header names; undefined when it names none. */
export function interpreterOf(file: string): { kind: "script" | "loader"; path: string } | undefined {
  const head = readHead(file);
  if (head === undefined) return undefined;
  if (head.toString("latin1", 0, 2) === "#!") {
    const line = head.toString("utf8", 2).split("\n", 1)[0] ?? "";
    // The kernel takes blanks away, a carriage return belongs to the name.
    return { kind: "script", path: line.replace(/^[ \t]+/, "").split(/[ \t]/, 1)[0] ?? "" };
  }
  const path = isElf(head) ? elfInterpreter(head) : undefined;
  return path === undefined ? undefined : { kind: "loader", path };
}

function isElf(head: Buffer): boolean {
  return head.length >= 64 && head.readUInt32BE(0) === ELF_MAGIC;
}

/** Where elf(5) has the fields, by class: 1 for 32 bits, 2 for 64. */
const ELF_LAYOUTS = {
  1: {
    phoff: 28,
    phentsize: 42,
    phnum: 44,
    offset: 4,
    filesz: 16,
    word: (b: Buffer, at: number) => b.readUInt32LE(at),
  },
  2: {
    phoff: 32,
    phentsize: 54,
    phnum: 56,
    offset: 8,
    filesz: 32,
    word: (b: Buffer, at: number) => Number(b.readBigUInt64LE(at)),
  },
} as const;

/** PT_INTERP of a little-endian ELF file, when it lies within the head that was read. */
function elfInterpreter(head: Buffer): string | undefined {
  const layout = ELF_LAYOUTS[head[4] === 1 ? 1 : 2];
  const size = head.readUInt16LE(layout.phentsize);
  const count = head.readUInt16LE(layout.phnum);
  for (let at = layout.word(head, layout.phoff), i = 0; i < count && at + size <= head.length; i += 1, at += size) {
    if (head.readUInt32LE(at) !== PT_INTERP) continue;
    const offset = layout.word(head, at + layout.offset);
    const length = layout.word(head, at + layout.filesz);
    if (offset + length <= head.length) return head.toString("utf8", offset, offset + length).split("\0", 1)[0];
  }
  return undefined;
}

function readHead(file: string): Buffer | undefined {
  try {
    const fd = openSync(file, "r");
    try {
      const buffer = Buffer.alloc(HEAD_BYTES);
      return buffer.subarray(0, readSync(fd, buffer, 0, HEAD_BYTES, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
