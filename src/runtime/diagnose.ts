/** Why a program could not be started, in words. Loaded only when one could not. */
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";

const HEAD_BYTES = 4096;
const ELF_MAGIC = 0x7f454c46;
const PT_INTERP = 3;

/** One sentence for the log: what is wrong with the program and what to do about it. */
export function explainExec(name: string, file: string | undefined, errno: string, path: string | undefined): string {
  if (errno === "ENOENT") return missing(name, file, path);
  if (errno === "EACCES") return refused(name, file);
  if (errno === "ENOEXEC") {
    return `'${name}' is neither a binary for this machine nor a script: its first line must name an interpreter (#!/bin/sh)`;
  }
  if (errno === "EAGAIN") return `'${name}' could not be started: the limit of processes is reached (pids or nproc)`;
  if (errno === "ENOMEM") return `'${name}' could not be started: no memory is left`;
  if (errno === "E2BIG") return `'${name}' could not be started: its arguments and environment are too long`;
  return `'${name}' could not be started: ${errno}`;
}

function missing(name: string, file: string | undefined, path: string | undefined): string {
  if (file === undefined || !existsSync(file)) {
    if (name === "") return "the command is empty: there is no program to start";
    return name.includes("/") ? `'${name}' does not exist` : `'${name}' is not in PATH (${path ?? "not set"})`;
  }
  const interpreter = interpreterOf(file);
  if (interpreter === undefined) return `'${name}' does not exist`;
  return interpreter.kind === "script"
    ? `'${name}' (${file}) names the interpreter '${interpreter.path}', which does not exist`
    : `'${name}' (${file}) needs the loader '${interpreter.path}', which does not exist: it was built for another C library`;
}

function refused(name: string, file: string | undefined): string {
  try {
    if (file !== undefined && statSync(file).isDirectory()) return `'${name}' is a directory, not a program`;
  } catch {
    // Not to be seen either: the sentence below holds.
  }
  return `'${name}'${file === undefined ? "" : ` (${file})`} may not be executed: check its mode (chmod +x) and the mount's noexec`;
}

/** The interpreter that a script's first line or a binary's program header names; undefined when it names none. */
export function interpreterOf(file: string): { kind: "script" | "loader"; path: string } | undefined {
  const head = readHead(file);
  if (head === undefined) return undefined;
  if (head.toString("latin1", 0, 2) === "#!") {
    const line = head.toString("utf8", 2).split("\n", 1)[0] ?? "";
    return { kind: "script", path: line.trim().split(/[ \t]/, 1)[0] ?? "" };
  }
  const path = head.length >= 64 && head.readUInt32BE(0) === ELF_MAGIC ? elfInterpreter(head) : undefined;
  return path === undefined ? undefined : { kind: "loader", path };
}

/** PT_INTERP of a 64-bit little-endian ELF file (elf(5)), when it lies within the head that was read. */
function elfInterpreter(head: Buffer): string | undefined {
  const headers = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  const count = head.readUInt16LE(56);
  for (let at = headers, i = 0; i < count && at + 56 <= head.length; i += 1, at += size) {
    if (head.readUInt32LE(at) !== PT_INTERP) continue;
    const offset = Number(head.readBigUInt64LE(at + 8));
    const length = Number(head.readBigUInt64LE(at + 32));
    if (offset + length <= head.length) return head.toString("utf8", offset, offset + length - 1);
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
