/** Why a program could not be started, in words. Loaded only when one could not. */

import { accessSync, constants, existsSync, lstatSync, readlinkSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { ProcessAttributes } from "../plan.ts";
import { chainOf, interpreterOf, isElf, machineOf, type Place, place, readHead } from "./interpreters.ts";

/** As editors for Windows put it before a text in UTF-8. */
const BYTE_ORDER_MARK = "\xef\xbb\xbf";

/** What the kernel found wrong with no word of its own about the program. */
const OTHERS: Readonly<Record<string, string>> = {
  EAGAIN: "the limit of processes is reached (pids or nproc)",
  ENOMEM: "no memory is left",
  E2BIG: "its arguments and environment are too long",
  ETXTBSY: "somebody has its file open for writing",
  ELOOP: "its links, or its interpreters, lead in a circle",
  ENAMETOOLONG: "its name is too long",
  EPERM:
    "the kernel does not permit it (EPERM): a seccomp profile, or its file's capabilities without the right to them",
  EIO: "its file cannot be read (EIO)",
  ENFILE: "the machine has no descriptor left",
  EMFILE: "no descriptor is left",
  ENOBUFS: "too many of our processes run",
};

/**
 * One sentence for the log: what is wrong with the program and what to do about it. `cwd`: the working directory that it was
 * given, from which the kernel takes a relative path.
 */
export function explainExec(
  name: string,
  file: string | undefined,
  errno: string,
  path: string | undefined,
  cwd = ".",
): string {
  const at = file === undefined ? undefined : place(file, cwd);
  if (errno === "ENOENT") return missing(name, at, path);
  if (errno === "ENOTDIR") return notThere(name, at);
  if (errno === "EACCES") return refused(name, at);
  if (errno === "ENOEXEC") return noProgram(name, at);
  if (errno === "ECANCELED") return `'${name}' was stopped before there was room for it`;
  return `'${name}' could not be started: ${OTHERS[errno] ?? errno}`;
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

function missing(name: string, at: Place | undefined, path: string | undefined): string {
  if (at === undefined || !existsSync(at.real)) {
    if (name === "") return "the command is empty: there is no program to start";
    return name.includes("/") ? notThere(name, at) : `'${name}' is not in PATH (${path ?? "not set"})`;
  }
  const { files, missing } = chainOf(at);
  if (missing === undefined) return `'${name}' does not exist`;
  const what = subject(name, at, files.at(-1) ?? at);
  return missing.kind === "script" ? noInterpreter(what, missing.path) : noLoader(what, missing.path);
}

/** Of a sentence about one of the files that a program is made of. */
function subject(name: string, at: Place, file: Place): string {
  const program = `'${name}' (${at.shown})`;
  return file === at ? program : `${program} runs by '${file.shown}', which`;
}

/** A path that leads nowhere: where it ends. */
function notThere(name: string, at: Place | undefined): string {
  if (at === undefined) return `'${name}' does not exist`;
  const link = linkOf(at.real);
  if (link !== undefined) return `'${name}' is a link to '${link}', which does not exist`;
  for (let above = dirname(at.real); above !== dirname(above); above = dirname(above)) {
    if (!existsSync(above)) continue;
    return statSync(above).isDirectory()
      ? `'${name}' does not exist`
      : `'${name}' does not exist: '${above}' is no directory`;
  }
  return `'${name}' does not exist`;
}

function linkOf(file: string): string | undefined {
  try {
    return lstatSync(file).isSymbolicLink() ? readlinkSync(file) : undefined;
  } catch {
    // Not there at all.
    return undefined;
  }
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

function refused(name: string, at: Place | undefined): string {
  const why = "may not be executed: check its mode (chmod +x) and the mount's noexec";
  if (at === undefined) return `'${name}' ${why}`;
  const culprit = chainOf(at).files.find(({ real }) => noFile(real) !== undefined || !mayRun(real)) ?? at;
  const what = noFile(culprit.real);
  if (what !== undefined && culprit === at) return `'${name}' is ${what}, not a program`;
  return `${subject(name, at, culprit)} ${what === undefined ? why : `is ${what}, not a program`}`;
}

/** What it is instead; undefined for a file, and for what cannot be seen. */
function noFile(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isFile()) return undefined;
  return found.isDirectory() ? "a directory" : "a pipe or a device";
}

function mayRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function noProgram(name: string, at: Place | undefined): string {
  if (at === undefined) return `'${name}' is no program`;
  const { files, missing } = chainOf(at);
  // What no script is run by: the first that is not one itself.
  const file = files.find(({ real }) => interpreterOf(real)?.kind !== "script") ?? files.at(-1) ?? at;
  const what = subject(name, at, file);
  const head = readHead(file.real);
  if (head?.length === 0) return `${what} is an empty file`;
  if (head?.toString("latin1", 0, 3) === BYTE_ORDER_MARK)
    return `${what} begins with a byte order mark, which no interpreter's name may follow: save it without`;
  if (missing?.path === "") return `${what} begins with '#!' but names no interpreter`;
  const machine = head === undefined ? undefined : machineOf(head);
  if (machine !== undefined && machine !== process.arch)
    return `${what} was built for ${machine}, and this is ${process.arch}`;
  if (head !== undefined && isElf(head)) return `${what} is a damaged binary, or none that this kernel can run`;
  return `${what} is neither a binary for this machine nor a script: its first line must name an interpreter (#!/bin/sh)`;
}
