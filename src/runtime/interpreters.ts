/** What the kernel reads of a program's file before it runs it: the interpreter of a script, the loader of a binary. */
import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";

const HEAD_BYTES = 4096;
const ELF_MAGIC = 0x7f454c46;
const PT_INTERP = 3;
const EI_DATA = 5;
const ELFDATA2MSB = 2;
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

/** A file as messages show it, and where it really is. */
export interface Place {
  shown: string;
  real: string;
  cwd: string;
}

/** `cwd`: what a relative path starts from. */
export function place(file: string, cwd: string): Place {
  return { shown: file, real: resolve(cwd, file), cwd };
}

export interface Interpreter {
  kind: "script" | "loader";
  /** Empty: a script's first line names none. */
  path: string;
}

/**
 * All files that a program is made of, itself first: an interpreter can be a script as well, but not for ever (execve(2)).
 * `missing`: what the last of them names, and is not there.
 */
export function chainOf(first: Place): { files: readonly Place[]; missing: Interpreter | undefined } {
  const files = [first];
  for (let file = first; files.length <= INTERPRETERS_MAX; files.push(file)) {
    const interpreter = interpreterOf(file.real);
    if (interpreter === undefined) break;
    file = place(interpreter.path, first.cwd);
    if (interpreter.path === "" || !existsSync(file.real)) return { files, missing: interpreter };
  }
  return { files, missing: undefined };
}

/** The interpreter that a script's first line or a binary's program header names; undefined when it names none. */
export function interpreterOf(file: string): Interpreter | undefined {
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

export function isElf(head: Buffer): boolean {
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

/** The beginning of a file; undefined for what cannot be read, or is none: opening a pipe could wait for ever. */
export function readHead(file: string): Buffer | undefined {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(fd).isFile()) return undefined;
      const buffer = Buffer.alloc(HEAD_BYTES);
      return buffer.subarray(0, readSync(fd, buffer, 0, HEAD_BYTES, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** The processor that a binary was built for, as Node names it; undefined for what is none. */
export function machineOf(head: Buffer): string | undefined {
  if (head.length < 20 || head.readUInt32BE(0) !== ELF_MAGIC) return undefined;
  const machine = head[EI_DATA] === ELFDATA2MSB ? head.readUInt16BE(18) : head.readUInt16LE(18);
  return MACHINES[machine] ?? `machine ${machine}`;
}
