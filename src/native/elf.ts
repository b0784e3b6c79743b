/** What an ELF file says about the machine and the C library that it is for. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** elf(5): sizes and offsets of the 64-bit header, program headers and dynamic entries, all little-endian here. */
const headerBytes = 64;
const machineAt = 18;
const tableAt = 32;
const entryBytesAt = 54;
const entriesAt = 56;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;

/** e_machine as Node names it. */
const machines: Readonly<Record<number, string>> = { 62: "x64", 183: "arm64" };

/** More than any program of ours has; a file that claims more is none. */
const bytesMax = 65_536;

export interface Elf {
  /** As `process.arch`, or `machine N`. */
  arch: string;
  libc: "glibc" | "musl" | "unknown libc";
  /** false: the file ends before what it says is in it, and whoever maps that dies of SIGBUS (mmap(2)). */
  whole: boolean;
}

interface Segment {
  type: number;
  offset: number;
  address: bigint;
  /** In the file. */
  bytes: number;
}

/** Undefined when the file cannot be read or is no ELF file of 64 bits. */
export function readElf(path: string): Elf | undefined {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return undefined;
  }
  try {
    const read = (offset: number, bytes: number) => {
      const part = Buffer.alloc(Math.min(bytes, bytesMax));
      return part.subarray(0, readSync(file, part, 0, part.length, offset));
    };
    return parse(read, fstatSync(file).size);
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

/** Throws where the header ends too early. */
function parse(read: (offset: number, bytes: number) => Buffer, fileBytes: number): Elf | undefined {
  const header = read(0, headerBytes);
  if (header.length < headerBytes || header.toString("latin1", 0, 5) !== "\x7fELF\x02") return undefined;
  const size = header.readUInt16LE(entryBytesAt);
  const tableBytes = size * header.readUInt16LE(entriesAt);
  const table = read(Number(header.readBigUInt64LE(tableAt)), tableBytes);
  const segments: Segment[] = [];
  for (let at = 0; size > 0 && at + size <= table.length; at += size) {
    segments.push({
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: table.readBigUInt64LE(at + 16),
      bytes: Number(table.readBigUInt64LE(at + 32)),
    });
  }
  const machine = header.readUInt16LE(machineAt);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  const names =
    interpreter === undefined ? needed(segments, read) : read(interpreter.offset, interpreter.bytes).toString("latin1");
  const whole =
    table.length === tableBytes &&
    segments.every(({ type, offset, bytes }) => type !== PT_LOAD || offset + bytes <= fileBytes);
  return { arch: machines[machine] ?? `machine ${machine}`, libc: libcOf(names), whole };
}

/** Names of the libraries that a library links with, one string. */
function needed(segments: readonly Segment[], read: (offset: number, bytes: number) => Buffer): string {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return "";
  const entries = read(dynamic.offset, dynamic.bytes);
  const found: bigint[] = [];
  let strings = 0n;
  for (let at = 0; at + 16 <= entries.length; at += 16) {
    const tag = entries.readBigInt64LE(at);
    if (tag === DT_NEEDED) found.push(entries.readBigUInt64LE(at + 8));
    if (tag === DT_STRTAB) strings = entries.readBigUInt64LE(at + 8);
  }
  const home = segments.find(
    ({ type, address, bytes }) => type === PT_LOAD && strings >= address && strings < address + BigInt(bytes),
  );
  if (home === undefined) return "";
  const start = home.offset + Number(strings - home.address);
  return found
    .map(
      (offset) =>
        read(start + Number(offset), 64)
          .toString("latin1")
          .split("\0")[0],
    )
    .join(" ");
}

function libcOf(names: string): Elf["libc"] {
  if (/ld-musl-|libc\.musl-|libc\.so(?!\.6)/.test(names)) return "musl";
  return /ld-linux|libc\.so\.6/.test(names) ? "glibc" : "unknown libc";
}
