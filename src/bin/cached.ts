/**
 * What `cpctl install` puts in the bundle's place: runs the bundle with the V8 code that was kept at the image's build. Reads
 * files and writes none, but when it is asked to make that code.
 */
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Script } from "node:vm";

const STDERR = 2;
/** The bundle itself, under the name it has beside us. */
const BUNDLE = "init.cjs";
const PACK = "code.cache";
/** Long enough for the application to be started; only while the code is made. */
const WARM_MS = 500;
/** Of a file's mode: its group, and everybody (inode(7)). Code that others wrote would run as us. */
const OTHERS_WRITE = 0o022;
/** Bytes compared at a time: more would be memory that nobody needs again. */
const COMPARED = 65_536;

/** Where code is to be kept, set by `cpctl install` alone. */
const wanted = process.env.CP_CODE_CACHE;

/**
 * The head of the pack; behind it lie, file by file, the source as it was and the code, and then all of that again: comparing
 * shows damage, and any sum, ours or of crypto, which has to be loaded, costs more than the code saves. Bytes.
 */
interface Head {
  /** Node, CPU and flags: V8 takes no other's code. */
  made: string;
  files: { name: string; source: number; code: number }[];
}

interface Kept {
  source: Buffer;
  code: Buffer;
}

const made = `Node ${process.versions.node} ${process.arch} ${process.execArgv.join(" ")}`;
const directory = __dirname;
const exported = new Map<string, { exports: unknown }>();
const scripts = new Map<string, { source: Buffer; script: Script }>();
const kept = wanted === undefined ? readPack() : new Map<string, Kept>();

function readPack(): Map<string, Kept> {
  let file: number;
  try {
    file = openSync(join(directory, PACK), "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") stale("it cannot be read");
    return new Map();
  }
  try {
    const { size, uid, mode } = fstatSync(file);
    if (uid !== statSync(join(directory, BUNDLE)).uid || (mode & OTHERS_WRITE) !== 0) {
      stale("others than the bundle's owner could have written it");
      return new Map();
    }
    return readParts(file, size);
  } catch {
    stale("it is damaged");
    return new Map();
  } finally {
    closeSync(file);
  }
}

/** All of it, file by file, so that what has been used can go. Throws where it is not as it was written. */
function readParts(file: number, size: number): Map<string, Kept> {
  const read = (at: number, bytes: number): Buffer => {
    if (at + bytes > size) throw new RangeError(PACK);
    const part = Buffer.allocUnsafeSlow(bytes);
    if (readSync(file, part, 0, bytes, at) !== bytes) throw new RangeError(PACK);
    return part;
  };
  const start = 4 + read(0, 4).readUInt32LE(0);
  const head = JSON.parse(read(4, start - 4).toString("utf8")) as Head;
  const found = new Map<string, Kept>();
  if (head.made !== made) {
    stale(`it was made for ${head.made}, this is ${made}`);
    return found;
  }
  const half = (size - start) / 2;
  let at = start;
  const next = (bytes: number): Buffer => {
    const part = read(at, bytes);
    for (let from = 0; from < bytes; from += COMPARED) {
      const copy = read(at + half + from, Math.min(COMPARED, bytes - from));
      if (!copy.equals(part.subarray(from, from + copy.length))) throw new RangeError(PACK);
    }
    at += bytes;
    return part;
  };
  for (const { name, source, code } of head.files) found.set(name, { source: next(source), code: next(code) });
  if (at !== start + half) throw new RangeError(PACK);
  return found;
}

function stale(why: string): void {
  writeSync(STDERR, `containerpilot: ${join(directory, PACK)} is ignored: ${why}; \`cpctl install\` makes it anew\n`);
}

/** As Node's own loader of CommonJS does it, for the files of the bundle. */
function load(name: string): unknown {
  const before = exported.get(name);
  if (before !== undefined) return before.exports;
  const file = join(directory, name);
  const source = readFileSync(file);
  const cache = kept.get(name);
  kept.delete(name);
  // V8 compares the lengths of sources alone.
  const cachedData = cache?.source.equals(source) === true ? cache.code : undefined;
  if (cache !== undefined && cachedData === undefined) stale(`${name} has changed since`);
  const wrapped = `(function (exports, require, module, __filename, __dirname) { ${source.toString("utf8")}\n})`;
  const script = new Script(wrapped, { filename: file, ...(cachedData && { cachedData }) });
  if (cachedData !== undefined && script.cachedDataRejected === true) stale(`V8 refuses the code of ${name}`);
  if (wanted !== undefined) scripts.set(name, { source, script });
  const module = { exports: {} as unknown };
  exported.set(name, module);
  const builtin = createRequire(file);
  const require = (id: string): unknown => (id.startsWith(".") ? load(join(dirname(name), id)) : builtin(id));
  script.runInThisContext().call(module.exports, module.exports, require, module, file, dirname(file));
  return module.exports;
}

/** Keeps what has been compiled by now, the functions that ran among it. */
function writePack(path: string): void {
  const parts = [...scripts].map(([name, { source, script }]) => ({ name, source, code: script.createCachedData() }));
  const head: Head = {
    made,
    files: parts.map(({ name, source, code }) => ({ name, source: source.length, code: code.length })),
  };
  const text = Buffer.from(JSON.stringify(head));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(text.length);
  const body = Buffer.concat(parts.flatMap(({ source, code }) => [source, code]));
  // Whoever waits for it sees all of it.
  writeFileSync(`${path}.new`, Buffer.concat([size, text, body, body]), { mode: 0o644 });
  renameSync(`${path}.new`, path);
}

if (wanted !== undefined) {
  delete process.env.CP_CODE_CACHE;
  setTimeout(() => writePack(wanted), WARM_MS);
}
load(BUNDLE);
