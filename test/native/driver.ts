/**
 * A stand-in for the init: drives the addon through one scenario, named by the first word, and says what happened as JSON
 * lines on stdout. Bundled for each test file as `containerpilot.cjs` beside launcher and addon.
 */
import { readdirSync, readFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { loadPilot } from "../../src/native/load.ts";
import type { NativeEvent, Pilot, SpawnRequest } from "../../src/native/pilot.ts";
import { fuzz } from "./fuzz.ts";

const [scenario = "", ...words] = process.argv.slice(2);

export type Said =
  | { t: "boot"; [key: string]: unknown }
  | { t: "spawned"; run: number; result: number }
  | { t: "threads"; when: string; masks: Record<string, string> }
  | { t: "thrown"; what: string; message: string }
  | { t: "said"; text: string }
  | NativeEvent;

function say(what: Said): void {
  writeSync(1, `${JSON.stringify(what)}\n`);
}

function attempt(what: string, deed: () => unknown): void {
  try {
    say({ t: "said", text: `${what}: ${JSON.stringify(deed())}` });
  } catch (error) {
    say({ t: "thrown", what, message: error instanceof Error ? error.message : String(error) });
  }
}

const pilot: Pilot = loadPilot();

/** All numbers that can be forwarded. */
const everySignal = Array.from({ length: 64 }, (_, index) => index + 1).filter((signo) => signo !== 17);

function request(run: number, argv: readonly string[], more: Partial<SpawnRequest> = {}): SpawnRequest {
  const [file = ""] = argv;
  const env = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  const streams = { stdin: "null", stdout: "inherit", stderr: "inherit" } as const;
  return { run, job: `run${run}`, file, argv, env, ...streams, foreground: false, fields: [], ...more };
}

function spawn(run: number, argv: readonly string[], more: Partial<SpawnRequest> = {}): void {
  say({ t: "spawned", run, result: pilot.spawn(request(run, argv, more)) });
}

/** Boots, says how, and from then on says every event. */
function begin(then: (event: NativeEvent) => void = () => {}): void {
  say({ t: "boot", ...pilot.boot() });
  pilot.start(() => {
    for (const event of pilot.drain()) {
      say(event);
      then(event);
    }
  });
}

function sayThreads(when: string): void {
  const masks: Record<string, string> = {};
  for (const tid of readdirSync("/proc/self/task")) {
    const status = readFileSync(`/proc/self/task/${tid}/status`, "utf8");
    const [, name] = /^Name:\t(.*)$/m.exec(status) ?? [];
    const [, mask] = /^SigBlk:\t(.*)$/m.exec(status) ?? [];
    masks[`${tid} ${name}`] = mask ?? "";
  }
  say({ t: "threads", when, masks });
}

const require = createRequire(`${process.cwd()}/x`);

async function masks(): Promise<void> {
  begin();
  sayThreads("loaded");
  const { Worker } = require("node:worker_threads") as typeof import("node:worker_threads");
  const worker = new Worker("require('node:worker_threads').parentPort.on('message', () => {});", { eval: true });
  await new Promise((resolve) => worker.once("online", resolve));
  sayThreads("worker");
  const { pbkdf2 } = require("node:crypto") as typeof import("node:crypto");
  const pool = Array.from({ length: 8 }, () => new Promise((done) => pbkdf2("a", "b", 20000, 32, "sha256", done)));
  await Promise.all(pool);
  sayThreads("pool");
  pilot.exit(0);
}

/** Everything goes to the program; JavaScript hangs from now on. */
function hang(): void {
  begin();
  pilot.policy(1, everySignal, 1000);
  spawn(1, words);
  for (;;);
}

/** JavaScript is blocked for the first word's milliseconds while the program runs; leaves when it has ended. */
function blocked(): void {
  begin((event) => {
    if (event.t === "groupEmpty" && event.run === 1) pilot.exit(0);
  });
  spawn(1, words.slice(1));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(words[0]));
  say({ t: "said", text: "awake" });
}

/** What JavaScript is doing meanwhile: nothing, or one of these again and again, for 20 ms each time. */
const loads: Readonly<Record<string, (until: number) => void>> = {
  busy: (until) => {
    while (Date.now() < until);
  },
  gc: (until) => {
    for (let kept: unknown[] = []; Date.now() < until; kept = []) {
      for (let i = 0; i < 20_000; i++) kept.push({ i, text: `text ${i}` });
    }
  },
};

/** Leaves when the program has ended, and says what was reaped by then besides. JavaScript has the load of the first word. */
function storm(): void {
  begin((event) => {
    if (event.t !== "groupEmpty" || event.run !== 1) return;
    say({ t: "said", text: JSON.stringify(pilot.orphans()) });
    pilot.exit(0);
  });
  spawn(1, words.slice(1));
  const load = loads[words[0] ?? ""];
  const again = (): void => {
    load?.(Date.now() + 20);
    setImmediate(again);
  };
  if (load !== undefined) again();
}

/** Leaves with 128 + the first signal. */
function firstSignal(): void {
  begin((event) => {
    if (event.t === "signal") pilot.exit(128 + event.signo);
  });
}

/** Runs a program and leaves with its code. */
function runProgram(more: Partial<SpawnRequest> = {}): void {
  begin((event) => {
    if (event.t === "exited") pilot.exit(event.code);
  });
  spawn(1, words, more);
}

/** Runs the program of the words after the first, which are its attributes as JSON; leaves with its code. */
function runWith(): void {
  const attributes = JSON.parse(words.shift() ?? "{}");
  runProgram({ attributes });
}

/** The program gets the terminal; the init goes on after its end, until a signal comes. */
function terminal(): void {
  begin((event) => {
    if (event.t === "signal" && event.signo === 2) pilot.exit(42);
  });
  spawn(1, words, { stdin: "inherit", foreground: true });
}

async function guard(): Promise<void> {
  begin();
  for (const name of ["child_process", "node:child_process", "cluster", "node:cluster"])
    attempt(name, () => require(name));
  attempt("getBuiltinModule", () => process.getBuiltinModule?.("child_process"));
  const got = await import("node:child_process");
  attempt("import, spawn", () => got.spawn("true"));
  attempt("import, execFile", () => got.execFile("true"));
  attempt("import, fork", () => got.fork("/dev/null"));
  attempt("import, spawnSync", () => got.spawnSync("true"));
  attempt("import, execSync", () => got.execSync("true"));
  attempt("fs", () => typeof require("node:fs").readFileSync);
  pilot.exit(0);
}

/** The addon in a Worker, which must not have it, while the main thread does. */
async function worker(): Promise<void> {
  begin();
  const { Worker } = require("node:worker_threads") as typeof import("node:worker_threads");
  const code = "process.dlopen({ exports: {} }, require('node:worker_threads').workerData)";
  for (let round = 0; round < 3; round++) {
    const thread = new Worker(code, { eval: true, workerData: words[0] });
    const [error] = await new Promise<[Error]>((resolve) => thread.once("error", (thrown) => resolve([thrown])));
    say({ t: "thrown", what: "Worker", message: error.message });
  }
  attempt("main thread", () => pilot.spawn(request(1, ["/bin/true"])) > 0);
  pilot.exit(0);
}

/** All calls at a time when none is expected: while the process leaves by the way of Node, and in its last handlers. */
function late(): void {
  const [how] = words;
  const all = (when: string): void => {
    attempt(`${when}: boot`, () => pilot.boot().pid1);
    attempt(`${when}: start`, () => pilot.start(() => {}));
    attempt(`${when}: drain`, () => pilot.drain().length >= 0);
    attempt(`${when}: spawn`, () => pilot.spawn(request(how === "started" ? 2 : 1, ["/bin/true"])) !== 0);
    attempt(`${when}: signal`, () => pilot.signal(77, 15, "group"));
    attempt(`${when}: policy`, () => pilot.policy(0, [15], 100));
    attempt(`${when}: sweep`, () => pilot.sweep(0) >= 0);
    attempt(`${when}: log`, () => pilot.log("info", "late", []));
    attempt(`${when}: spawnFailure`, () => pilot.spawnFailure());
    attempt(`${when}: logSettings`, () => pilot.logSettings({ level: "info", format: "text", dialect: "v3", fd: 2 }));
  };
  if (how === "started") begin();
  process.once("exit", () => {
    all("exit");
    pilot.exit(9);
  });
  process.exit(3);
}

/** JavaScript ends in the way of the first word while an application and a companion run. */
function die(): void {
  const [how] = words;
  begin();
  pilot.policy(1, [], 1000);
  spawn(1, ["/bin/sh", "-c", "trap 'echo told; exit 24' TERM; echo up; read line; exit 23"], { stdin: "inherit" });
  spawn(2, [
    "/bin/sh",
    "-c",
    "trap 'echo companion told; exit 0' TERM; echo companion up; while :; do sleep 0.05; done",
  ]);
  setTimeout(() => {
    if (how === "abort") process.abort();
    if (how === "throw") throw new Error("on purpose");
    if (how === "reject") void Promise.reject(new Error("on purpose"));
    if (how === "exit") process.exit(3);
    if (how === "segv") process.kill(process.pid, "SIGSEGV");
    if (how === "heap") for (const full: unknown[] = []; ; ) full.push(new Array(1e5).fill(full.length));
  }, 50);
}

/** Nothing was started: the runtime's own end is the process's end. */
function dieAlone(): void {
  begin();
  if (words[0] === "abort") process.abort();
  process.exit(3);
}

/** `f(address)` loads a word; V8 turns the fault beyond the memory's end into an exception. */
const loader = "0061736d0100000001060160017f017f03020100050301000107050101660000" + "0a0901070020002802000b";

/** Its types come with those of browsers only. */
interface Wasm {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: { f: (address: number) => number } };
  RuntimeError: new () => Error;
}

function wasmTraps(): void {
  begin();
  const { Module, Instance, RuntimeError } = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly;
  const { f } = new Instance(new Module(Buffer.from(loader, "hex"))).exports;
  let caught = 0;
  for (let i = 0; i < 200; i++) {
    try {
      f(2 ** 30);
    } catch (error) {
      if (error instanceof RuntimeError) caught++;
    }
  }
  say({ t: "said", text: `caught ${caught}` });
  pilot.exit(0);
}

const wrong = (more: object): SpawnRequest => ({ ...request(9, ["/bin/true"]), ...more }) as SpawnRequest;

function misuse(): void {
  attempt("drain before start", () => pilot.drain());
  attempt("signal before start", () => pilot.signal(1, 15, "process"));
  attempt("start without a function", () => pilot.start(undefined as unknown as () => void));
  begin();
  attempt("start twice", () => pilot.start(() => {}));
  attempt("boot twice", () => pilot.boot().pid1);
  attempt("run 0", () => pilot.spawn(wrong({ run: 0 })));
  attempt("run 1.5", () => pilot.spawn(wrong({ run: 1.5 })));
  attempt("no object", () => pilot.spawn(7 as unknown as SpawnRequest));
  attempt("no file", () => pilot.spawn(wrong({ file: undefined })));
  attempt("NUL in argv", () => pilot.spawn(wrong({ argv: ["a", "b\0c"] })));
  attempt("env no array", () => pilot.spawn(wrong({ env: "PATH=/" })));
  attempt("stdout unknown", () => pilot.spawn(wrong({ stdout: "file" })));
  const given = (attributes: object) => pilot.spawn(wrong({ attributes }));
  attempt("attributes no object", () => pilot.spawn(wrong({ attributes: 7 })));
  attempt("uid negative", () => given({ uid: -1 }));
  attempt("nice too nice", () => given({ nice: 20 }));
  attempt("umask too much", () => given({ umask: 0o1000 }));
  attempt("limit unknown", () => given({ limits: [["files", 1, 1]] }));
  attempt("limit half", () => given({ limits: [["core", 0.5, 1]] }));
  attempt("groups a number", () => given({ groups: 5 }));
  attempt("oomScoreAdj too much", () => given({ oomScoreAdj: 1001 }));
  attempt("capability unknown", () => given({ capabilities: ["CAP_ALL"] }));
  attempt("privileges a string", () => given({ noNewPrivileges: "yes" }));
  attempt("cwd with NUL", () => given({ cwd: "/\0" }));
  attempt("deathSignal 0", () => given({ deathSignal: 0 }));
  attempt("stdin log", () => pilot.spawn(wrong({ stdin: "log" })));
  attempt("foreground a string", () => pilot.spawn(wrong({ foreground: "yes" })));
  attempt("fields no pairs", () => pilot.spawn(wrong({ fields: [1] })));
  attempt("signal 65", () => pilot.signal(1, 65, "process"));
  attempt("target unknown", () => pilot.signal(1, 15, "session" as "group"));
  attempt("policy 65", () => pilot.policy(0, [65], 0));
  attempt("level unknown", () => pilot.log("loud" as "info", "x", []));
  attempt("fd closed", () => pilot.logSettings({ level: "info", format: "text", dialect: "v3", fd: 999 }));
  attempt("code a string", () => pilot.exit("1" as unknown as number));
  attempt("good", () => pilot.spawn(wrong({ argv: ["sleep", "100"], file: "/bin/sleep" })) > 0);
  attempt("run taken", () => pilot.spawn(wrong({})));
  attempt("gone", () => pilot.signal(77, 15, "group"));
  pilot.exit(0);
}

/** The same file once more, and a copy of it (the first word), whose threads and table would be others. */
function loadAgain(): void {
  begin();
  const [copy = ""] = words;
  const load = (path: string): Pilot => {
    const module = { exports: {} };
    process.dlopen(module, path);
    return module.exports as Pilot;
  };
  const again = load(join(dirname(process.argv[1] ?? ""), "pilot.node"));
  attempt("same file: start", () => again.start(() => {}));
  attempt("same file: spawn", () => again.spawn(request(1, ["/bin/true"])) > 0);
  attempt("same file: run taken", () => pilot.spawn(request(1, ["/bin/true"])));
  attempt("copy", () => load(copy).boot().pid1);
  attempt("first", () => pilot.spawn(request(2, ["/bin/true"])) > 0);
  pilot.exit(0);
}

const scenarios: Readonly<Record<string, () => unknown>> = {
  masks,
  hang,
  blocked,
  storm,
  "first-signal": firstSignal,
  run: () => runProgram(),
  "run-with": runWith,
  "run-logged": () => runProgram({ stdout: "log", fields: [["job", "web"]] }),
  terminal,
  guard,
  die,
  "die-alone": dieAlone,
  misuse,
  fuzz: () => {
    const [seed, calls] = words.map(Number);
    fuzz(pilot, { say: (text) => say({ t: "said", text }), request, begin, seed: seed ?? 1, calls: calls ?? 1000 });
  },
  "load-again": loadAgain,
  worker,
  late,
  "wasm-traps": wasmTraps,
  exit: () => pilot.exit(Number(words[0])),
  // What the standard streams do to a shared pipe, and what is left of it.
  "touch-stdout": () => {
    begin();
    process.stdout.write("");
    pilot.exit(0);
  },
};

const chosen = scenarios[scenario];
if (chosen === undefined) throw new Error(`no such scenario: ${scenario}`);
void chosen();
