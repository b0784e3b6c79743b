#!/usr/bin/env node
// The house rules that no linter knows, over all files that git tracks or would track. One line a fault; 1 when any.
import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync } from "node:fs";
import { basename, dirname, extname, join, normalize, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const codeLinesMax = 300;
const testLinesMax = 500;
const functionLinesMax = 70;

/** Names the longer files that are one thing all the same, each with the reason. */
const longFilesPath = "scripts/tidy-long-files.json";

const isCode = (path) => /\.(ts|mjs|cc|c|h)$/.test(path) || /^scripts\/[^.]+$/.test(path);
const isNative = (path) => /\.(cc|c|h)$/.test(path);
const isTest = (path) => /^(test|native\/test|bench)\//.test(path);
const isDoc = (path) => extname(path) === ".md";
/** Text whose every byte is meant: recorded output, licences, what rules are tried on. */
const isAsGiven = (path) =>
  /^(test\/fixtures\/offenders\/|LICENSE$|package-lock\.json$)|\.(txt|txtar|snap)$/.test(path);

/** Calls `found(line number from 1, line)` for the lines that match. */
function eachLine(text, pattern, found) {
  for (const [index, line] of text.split("\n").entries()) {
    if (pattern.test(line)) found(index + 1, line);
  }
}

const marker = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\\b`);

function leftovers(files, report) {
  for (const [path, text] of files) {
    if (isAsGiven(path)) continue;
    eachLine(text, marker, (line) => report(path, line, "leftover marker"));
    eachLine(text, /^\s*debugger;/, (line) => report(path, line, "leftover debugger statement"));
  }
}

/** A place that exists on one machine only, or the name of a mirror: derive both, or name them in general. */
const machine = new RegExp(
  [
    "(?<![\\w.$}/])/" + "work/",
    "/" + "home/(?!node/)\\w+/",
    "/" + "Users/",
    "registry\\.npm" + "js\\.org",
    "deb\\.deb" + "ian\\.org",
  ].join("|"),
);

function machinePaths(files, report) {
  for (const [path, text] of files) {
    if (path === "package-lock.json") continue;
    eachLine(text, machine, (line) => report(path, line, "path or host of one machine"));
  }
}

function whitespace(files, report) {
  for (const [path, text] of files) {
    if (isAsGiven(path)) continue;
    eachLine(text, /[ \t\r]$/, (line) => report(path, line, "trailing whitespace"));
    if (text !== "" && !/[^\n]\n$/.test(text)) report(path, text.split("\n").length, "must end in exactly one newline");
  }
}

function fileLengths(files, report) {
  const longFiles = JSON.parse(files.get(longFilesPath) ?? "{}");
  for (const [path, text] of files) {
    if (!isCode(path) || isAsGiven(path)) continue;
    const lines = text.split("\n").length - 1;
    const max = isTest(path) ? testLinesMax : codeLinesMax;
    if (lines > max && !(path in longFiles))
      report(path, 1, `${lines} lines, at most ${max}: split it, or name the reason in tidy-long-files.json`);
    if (lines <= max && path in longFiles) report(path, 1, "is short enough: take it out of tidy-long-files.json");
  }
  for (const path of Object.keys(longFiles)) {
    if (!files.has(path)) report(longFilesPath, 1, `names ${path}, which does not exist`);
  }
}

/** C and C++ without comments and literals, every line where it was. */
function bare(text) {
  const blank = (part) => part.replace(/[^\n]/g, " ");
  return text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'/g, blank);
}

/** Where the parenthesis was opened that is closed at `index`. */
function opened(code, index) {
  let depth = 0;
  let at = index;
  do depth += code[at] === ")" ? 1 : code[at] === "(" ? -1 : 0;
  while (depth > 0 && at-- > 0);
  return at;
}

/** A body is what follows `)` and its qualifiers; TypeScript's functions are the linter's. */
function nativeFunctions(files, report) {
  for (const [path, text] of files) {
    if (!isNative(path)) continue;
    const code = bare(text);
    for (const { index, 0: start } of code.matchAll(/\)(?:\s|const|noexcept|override|final)*\{/g)) {
      const opening = opened(code, index);
      const signature = code.slice(code.lastIndexOf("\n", opening) + 1, opening);
      // At most two columns in: functions and methods, not the blocks inside them.
      if (/^\s{3,}|^\s*(if|for|while|switch)\b/.test(signature)) continue;
      let depth = 1;
      let at = index + start.length;
      for (; depth > 0 && at < code.length; at++) depth += code[at] === "{" ? 1 : code[at] === "}" ? -1 : 0;
      const lines = code.slice(index, at).split("\n").length;
      const first = code.slice(0, index).split("\n").length;
      if (lines > functionLinesMax) report(path, first, `function of ${lines} lines, at most ${functionLinesMax}`);
    }
  }
}

/** What a module imports from this repository, types included: paths. */
function imports(path, text) {
  const found = text.matchAll(/(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*"(\.[^"]+)"/g);
  return [...found].map(({ 1: specifier }) => normalize(join(dirname(path), specifier)));
}

function reachable(files, roots) {
  const reached = new Set(roots);
  for (const path of reached) for (const next of imports(path, files.get(path) ?? "")) reached.add(next);
  return reached;
}

/** Files that others find by their place, not by a name in this repository. */
const found = [
  /^(README|CHANGELOG|CONTRIBUTING|LICENSE|Dockerfile|binding\.gyp|package(-lock)?\.json|[a-z]+\.json)/,
  /(^|\/)\.[^/]+/,
  /^scripts\/[^./]+$/,
  /^(docs\/decisions|test\/fixtures\/offenders)\//,
];

/** Modules that no program (src) and no program or test (the rest) reaches, and other files that nothing names. */
function deadFiles(files, report) {
  const paths = [...files.keys()];
  const inPrograms = reachable(files, ["src/bin/containerpilot.ts", "src/bin/cpctl.ts", "src/bin/cached.ts"]);
  const inTests = reachable(
    files,
    paths.filter((path) => /\.(test|config)\.ts$/.test(path)),
  );
  for (const path of paths) {
    if (inPrograms.has(path) || found.some((pattern) => pattern.test(path))) continue;
    if (path.startsWith("src/")) report(path, 1, "no program reaches it");
    else if (!inTests.has(path) && !named(files, path)) report(path, 1, "nothing imports or names it");
  }
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** By name, without its ending in quotes (`fixture("ignores-term")`), by a Makefile beside it, or data by its folder. */
function named(files, path) {
  const name = basename(path);
  const stem = name.replace(/\.[^.]+$/, "");
  const folder = isCode(path) ? [] : [`["'\`/]${escaped(basename(dirname(path)))}["'\`/]`];
  const anywhere = new RegExp([escaped(name), `"${escaped(stem)}"`, escaped(`${dirname(path)}/`), ...folder].join("|"));
  for (const [other, text] of files) if (other !== path && anywhere.test(text)) return true;
  const words = files.get(join(dirname(path), "Makefile"))?.split(/[\s$(),=]+/) ?? [];
  return words.some(
    (word) =>
      word === stem || (word.includes("*") && new RegExp(`^${word.split("*").map(escaped).join(".*")}$`).test(name)),
  );
}

/** As GitHub makes them. */
function anchors(text) {
  const found = new Set();
  for (const { 1: heading } of text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ +(.+)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-");
    let unique = slug;
    for (let count = 1; found.has(unique); count++) unique = `${slug}-${count}`;
    found.add(unique);
  }
  return found;
}

function docLinks(files, report) {
  const folders = new Set(
    [...files.keys()].flatMap((path) => path.split("/").map((_, depth, parts) => parts.slice(0, depth).join("/"))),
  );
  for (const [path, text] of files) {
    if (!isDoc(path)) continue;
    for (const { index, 1: target } of text
      .replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, " "))
      .matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const line = text.slice(0, index).split("\n").length;
      const [file, anchor] = target.split("#");
      const goal = file === "" ? path : normalize(join(dirname(path), file)).replace(/\/$/, "");
      if (!files.has(goal) && !folders.has(goal)) report(path, line, `broken link: ${target}`);
      else if (anchor !== undefined && !anchors(files.get(goal) ?? "").has(anchor))
        report(path, line, `no such heading: ${target}`);
    }
  }
}

const rules = [leftovers, machinePaths, whitespace, fileLengths, nativeFunctions, deadFiles, docLinks];

/**
 * @param {ReadonlyMap<string, string>} files text by path, relative to the repository
 * @returns {string[]} faults as `path:line: fault`, sorted
 */
export function tidy(files) {
  const faults = [];
  for (const rule of rules) rule(files, (path, line, fault) => faults.push({ path, line, fault }));
  faults.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line));
  return faults.map(({ path, line, fault }) => `${path}:${line}: ${fault}`);
}

/** Every text file of the work tree that git tracks or would track. */
export function workTree(root) {
  const list = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  const files = new Map();
  for (const path of list.split("\0")) {
    const found = path === "" ? undefined : lstatSync(join(root, path), { throwIfNoEntry: false });
    if (!found?.isFile()) continue;
    const bytes = readFileSync(join(root, path));
    if (!bytes.subarray(0, 8000).includes(0)) files.set(path, bytes.toString("utf8"));
  }
  return files;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const faults = tidy(workTree(resolve(import.meta.dirname, "..")));
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
