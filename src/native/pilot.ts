/**
 * The typed face of the addon (`pilot.node`). Types only; `load.ts` is the only importer of the file itself.
 *
 * Every method is synchronous and returns at once. Errors of the kernel are returned as negative errno, never thrown;
 * a wrong argument (a programmer's mistake) throws a TypeError that names the argument.
 */

/** Process state as the runtime gave it, recorded before Node changed it. */
export interface Boot {
  /** Threads started by the preload constructor: no signal was lost since the launcher. */
  preloaded: boolean;
  /** The launcher asked for that and the loader refused: Node's file has capabilities (AT_SECURE, ld.so(8)). */
  preloadRefused: boolean;
  /** How signals are taken: the mask is ours in all threads, or (no /proc, no preload) handlers write to a pipe. */
  signals: "blocked" | "handlers";
  pid1: boolean;
  /** PR_SET_CHILD_SUBREAPER was set, because we are not PID 1. */
  subreaper: boolean;
  nofile: { soft: number; hard: number };
  /** stdin is our controlling terminal. */
  terminal: boolean;
  /** Children that the launcher or an earlier runtime of this process started and whose end nobody was told. */
  adopted: readonly Adopted[];
  /** The highest run of an earlier runtime of this process, 0: none. */
  lastRun: number;
  rebirths: Rebirths;
  instant: Instant;
  /** What `remember` was last given, by this runtime or an earlier one; empty: nothing. */
  memory: string;
}

export interface Adopted {
  run: number;
  /** As it was given to `spawn`. */
  job: string;
  pid: number;
  ageMs: number;
  /** `closed` is still to come. */
  awaits: boolean;
}

/** What the launcher has done before there was a runtime. */
export interface Instant {
  /** The application's run, which is among the adopted until its end was told; 0: it was not started. */
  run: number;
  /** From its stop signal to KILL. */
  graceMs: number;
  /** Why it was not started, for the log; empty where nobody has asked for it. */
  whyNot: string;
}

/** How often the runtime of this process was replaced, for what, and why the last time. */
export interface Rebirths {
  count: number;
  /** throw, rejection, exit, abort, heap, stack, segv, bus, fpe, ill, trap, sys or hang. */
  cause?: string;
  byCause: Readonly<Record<string, number>>;
}

/** Where a child's stream goes: as it is, to nothing, through the log pump as lines, or kept as a value. */
export type Stream = "inherit" | "null" | "log" | "capture";

/** What a process is given before its program; what is not named stays as the init has it. Set in this order. */
export interface Attributes {
  /** Resource (`nofile`, `core`, … as in prlimit(1)), soft and hard limit; Infinity: none. */
  limits?: readonly (readonly [resource: string, soft: number, hard: number])[];
  /** -20 to 19. */
  nice?: number;
  /** -1000 to 1000. */
  oomScoreAdj?: number;
  /** 0 to 0o777. */
  umask?: number;
  cwd?: string;
  /** Supplementary groups; without them, a change of uid or gid leaves none. */
  groups?: readonly number[];
  gid?: number;
  uid?: number;
  /** Kept and made ambient (capabilities(7)): `NET_BIND_SERVICE`. */
  capabilities?: readonly string[];
  noNewPrivileges?: boolean;
  /** Sent to it when the init ends (prctl(2), PR_SET_PDEATHSIG). */
  deathSignal?: number;
}

export interface SpawnRequest {
  /** Run id, > 0, never used before in this process. */
  run: number;
  /** Job's name for the child table (cut at 255 bytes). */
  job: string;
  /** Path of the program, PATH already searched. */
  file: string;
  argv: readonly string[];
  /** `NAME=value` each; the complete environment. */
  env: readonly string[];
  attributes?: Attributes;
  stdin: "null" | "inherit";
  stdout: Stream;
  stderr: Stream;
  /** The new process group becomes the terminal's foreground group, when there is a terminal. */
  foreground: boolean;
  /** Log fields of its lines, in any order; used where a stream is `log`. */
  fields: readonly (readonly [string, string])[];
}

export type NativeEvent =
  /** `sender`: who had sent the signal that ended it, when that was handed on by the native half; pid 0: from outside. */
  | {
      t: "exited";
      run: number;
      pid: number;
      code: number;
      signal: number;
      core: boolean;
      sender?: { pid: number; uid: number };
    }
  /**
   * All its captured or logged streams have ended, or the drain deadline passed because a grandchild holds one.
   * Comes after `exited`, once for each run with at least one `log` or `capture` stream.
   * `output`: what `capture` caught (bounded), else the last logged lines (bounded), for messages.
   */
  | { t: "closed"; run: number; output: string; held: boolean }
  /** No process of the run's group is left. After `exited`; at once when the leader was the last. */
  | { t: "groupEmpty"; run: number }
  | { t: "signal"; signo: number; pid: number; uid: number; forwarded: boolean }
  /** So many orphans were reaped that somebody should be told: 100, then each power of ten. `orphans()` has the facts. */
  | { t: "orphans" }
  /** Somebody connects to what `watch` was given. */
  | { t: "knock" };

/** Reaped processes of one name that were not started by us: their parent ended before them. */
export interface OrphanKind {
  /** The program's name (comm, at most 15 bytes); `?` without /proc; `(others)` beyond 64 names. */
  comm: string;
  count: number;
  /** Of the last one. */
  pid: number;
  /** The job whose process group or session the last one was in; "" when it had left them, or the job is gone. */
  job: string;
}

export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal" | "panic";

export interface LogSettings {
  level: LogLevel;
  format: "default" | "text" | "json";
  dialect: "v2" | "v3";
  /** Descriptor the log goes to: 1, 2, or one opened by the caller. */
  fd: number;
}

/** Where the control socket is: `fd` -1 is nowhere. `errno`: why not at the place that was wanted; 0 when it is there. */
export interface Listening {
  fd: number;
  path: string;
  errno: number;
}

export interface Pilot {
  /** From here on (where the launcher has not seen to it before) all signals and all ended children are ours. */
  boot(): Boot;
  /**
   * Rings `doorbell` on the JavaScript thread when `drain` has something; boots if `boot` has not. Once. Keeps the event
   * loop alive: an init with nothing to do waits for its children, and leaves by `exit` alone.
   */
  start(doorbell: () => void): void;
  /** Everything since the last call, in order; what that one returned counts as dealt with. */
  drain(): NativeEvent[];
  /** What `drain` has returned is dealt with: a runtime that follows this one will not be told again. */
  told(): void;
  /** Keeps a text for the runtime that may follow; false when it is longer than 256 KiB. */
  remember(memory: string): boolean;
  /** Says why JavaScript is about to end; only the message about that end uses it. */
  lastWords(cause: "throw" | "rejection", words: string): void;
  /** Gives up: the native half alone forwards signals, waits for the application and leaves with its code (none: 70). */
  park(words: string): never;
  /**
   * The new pid, or a negative errno when exec (or anything before it) failed: then there will be no event of this run.
   * -ENOBUFS: 512 runs are unfinished, that is, alive or with an event that was not drained.
   */
  spawn(request: SpawnRequest): number;
  /**
   * What the last start failed at, when it failed in the child: `exec`, or the attribute, with the resource or capability
   * behind it (`cwd`, `limits nofile`, `capabilities NET_ADMIN`).
   */
  spawnFailure(): string;
  /** 0, or a negative errno: -ESRCH when the run has ended (group: when its group is empty). */
  signal(run: number, signo: number, target: "process" | "group"): number;
  /**
   * What the native half may do by itself: signals in `forward` go to run `main` (0: to nobody) at once, JavaScript awake
   * or not; all others are only reported. `graceMs`: for the stop without JavaScript.
   */
  policy(main: number, forward: readonly number[], graceMs: number): void;
  /**
   * Sends to every process that is left (PID 1: kill(-1); else the tree below us); returns how many there were, zombies left
   * out. 0 as signal only counts. Without /proc: as PID 1 1 for any number, else -ENOENT.
   */
  sweep(signo: number): number;
  /** Whom the last `sweep` with a signal found, at most 32; nobody without /proc. */
  swept(): readonly { pid: number; name: string }[];
  /** What was reaped so far besides our own children. */
  orphans(): readonly OrphanKind[];
  logSettings(settings: LogSettings): void;
  /** A line of our own, formatted as the children's; never blocks: dropped (and counted) when the log's reader is stuck. */
  log(level: LogLevel, message: string, fields: readonly (readonly [string, string])[]): void;
  /**
   * Listens on a Unix socket at `path` (at most 107 bytes), mode 0600. A file that nobody listens behind is replaced. With
   * `elsewhere`, and where it cannot be there, in the first of /run, /dev/shm and /tmp that it can be in.
   */
  listen(path: string, elsewhere: boolean): Listening;
  /**
   * Has the first connection to that socket come as an event (`knock`), once: until then nothing need be loaded that serves it.
   * False: it cannot (few descriptors, or signals taken by handlers), and the socket has to be served at once.
   */
  watch(fd: number): boolean;
  /** User id of whoever opened an accepted connection of that socket, or a negative errno. */
  peer(fd: number): number;
  /** Writes what is queued (at most 500 ms), restores the terminal and leaves by _exit(code & 255). */
  exit(code: number): never;
}
