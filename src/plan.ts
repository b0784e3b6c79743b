/**
 * The internal model: one configuration with the dialect gone.
 *
 * `Plan` is what the core decides on. It holds no command, environment value, address or secret, so the core's log can be
 * shown to anybody. `Deeds` is the other half, kept by the runtime under the same ids. Types and invariants only.
 */

/** Milliseconds: a duration, or a moment of the monotonic clock. */
export type Ms = number;
export type JobId = string;
export type ProbeId = string;
export type WatchId = string;
export type ServiceId = string;
export type Status = "passing" | "warning" | "critical";

/** What the core tells itself; v3's bus events and v2's moments alike. */
export type FactName =
  | "startup"
  | "shutdown"
  | "exitSuccess"
  | "exitFailed"
  | "stopping"
  | "stopped"
  | "healthy"
  | "unhealthy"
  | "ready"
  | "changed"
  | "rendered"
  | "timerExpired"
  | "gaveUp"
  | "enterMaintenance"
  | "exitMaintenance"
  | "signal";

/** One fact of one source. `asked`: only when the stop was asked for; `ran`: only when the source ever ran. */
export interface Leaf {
  fact: FactName;
  source: string;
  only?: "asked" | "ran";
}

/** n of a list: all = n of n, any = 1 of n. */
export type Cond = Leaf | { atLeast: number; of: readonly Cond[] };

export interface Start {
  on: Cond;
  /** How often the condition may start the job: once 1, each Infinity, `when: {}` 0. */
  times: number;
  every?: { period: Ms; first: "now" | "later" } | { cron: string; tz: string; jitter: Ms };
  overlap: { mode: "skip" | "coalesce" | "queue" | "replace"; max: number };
  /** A start is kept back until this fact was seen once. */
  hold?: Leaf;
  /** Bound of `hold`, from the start of its source (while that is not running: from the trigger); Infinity without one. */
  holdMax: Ms;
  /** A start waits until no further trigger has come for so long (at most ten times as long in all). */
  quiet: Ms;
  /** A start by a trigger is put off by a random part of this. */
  splay: Ms;
  within?: { ms: Ms; otherwise: "quit" | "start" | { exit: number } };
}

export interface Restart {
  /** Further runs; Infinity for `unlimited`. */
  limit: number;
  /** life: `limit` further runs in all (v2, v3). trigger: that many after each trigger. */
  budget: "life" | "trigger";
  on: "any" | "failure";
  backoff: { first: Ms; min: Ms; factor: number; max: Ms; resetAfter: Ms };
  /** What the failure that finds no restart left does. */
  spent: "complete" | "stopContainer";
}

export type StopStep = "hooks" | "withdraw" | "drain" | "signal";

export interface Stop {
  /** Rank 0 stops first; v2 coprocesses have rank 1. */
  rank: number;
  /** Always followed by: wait until gone. */
  order: readonly StopStep[];
  signal: number;
  target: "process" | "group";
  /** From `signal` to KILL (which goes to the group); 0: KILL at once. */
  grace: Ms;
  /** What becomes of the rest of the group when its leader has gone. */
  leftovers: "keep" | "term" | "kill";
  hookMax: Ms;
  hooksEvenIfGone: boolean;
  withdrawMax: Ms;
  drain?: { quiet: Ms; max: Ms };
}

export interface Probe {
  id: ProbeId;
  /** always: healthy by definition, no process; builtin: tcp, http, … done by the runtime. */
  how: "exec" | "builtin" | "always";
  every: Ms;
  /** Phase of the first regular probe after the job's start (the early probes come before it). */
  first: Ms;
  /** Infinity: none. */
  timeout: Ms;
  startPeriod: Ms;
  /** Early probes: the first at once, then this often until the first success or one `every`; they bring good news only. */
  startEvery: Ms;
  rise: number;
  fall: number;
  /**
   * The catalog gets `critical`, and `onUnhealthy` is done, only when this long has passed since the last good probe as well.
   * The fact `unhealthy` is told at each failing probe from the `fall`-th on.
   */
  fallAfter: Ms;
  whileIdle: boolean;
  onUnhealthy: "nothing" | "restart" | "stopContainer";
  service?: { id: ServiceId; ttl: Ms; initial?: Status };
}

export interface Job {
  id: JobId;
  /** Fingerprint of everything about the job, its deeds included: equal prints mean an unchanged job for a reload. */
  print: string;
  main: boolean;
  /** false: "runs" without a process (v2 without application words; v3 jobs that only advertise). */
  exec: boolean;
  /** Longest run; then its group gets KILL. Infinity: none. */
  timeout: Ms;
  /** Its standard output is a value (sensor), given with `exited`. */
  captures: boolean;
  start: Start;
  restart: Restart;
  stop: Stop;
  probes: readonly Probe[];
  maintenancePauses: boolean;
  onReload: "keep" | "restart" | "ifChanged";
}

export interface Watch {
  id: WatchId;
  print: string;
  /** Begins with this fact. */
  from: Leaf;
  maintenancePauses: boolean;
  whenUnavailable: "keep" | "empty";
}

/**
 * What a signal does. forward: the native half has already done it, the core only notes it; with `as`, another signal is
 * sent on in its place, which is the core's deed.
 */
export type SignalDeed =
  | "stop"
  | "reload"
  | "maintenance"
  | "reopen"
  | "fact"
  | "ignore"
  | { forward: JobId; as?: number };

export interface Plan {
  print: string;
  jobs: readonly Job[];
  watches: readonly Watch[];
  /** By signal number; a signal not named is forwarded to the main job, or dropped without one. */
  signals: Readonly<Record<number, SignalDeed>>;
  ends: {
    when: "mainEnds" | "allDone" | "onlyAsked";
    code: "main" | "firstFailure" | "worst" | "zero";
    /** Jobs whose non-zero code replaces the container's; the last one wins (v2: preStart, postStop). */
    overrides: readonly JobId[];
    /** Code of a stop before the main job ever ran: 128 + signal, or 0. */
    neverStarted: "signal" | "zero";
    map: Readonly<Record<number, number>>;
  };
  /** within Infinity: only the jobs' own bounds. strays: grace for what is left when all jobs are done. */
  stop: { within: Ms; strays: Ms };
  settle: Ms;
}

// ── The deeds: what the runtime does under the Plan's ids ────────────────────────────────────────────────────────────

/** How a process differs from the init; what is not named stays as the init has it. */
export interface ProcessAttributes {
  /** Its working directory. */
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Supplementary groups; without them, a change of uid or gid leaves none. */
  groups?: readonly number[];
  umask?: number;
  /** By resource (`nofile`, `core`, … as in prlimit(1)): soft and hard limit; Infinity: none. */
  limits?: Readonly<Record<string, readonly [soft: number, hard: number]>>;
  nice?: number;
  oomScoreAdj?: number;
  noNewPrivileges?: boolean;
  /** That a program without root has all the same, without `CAP_`: `NET_BIND_SERVICE`. */
  capabilities?: readonly string[];
}

/** One program to run. */
export interface Command {
  /** argv[0] without a slash is searched in PATH at each start. */
  argv: readonly string[];
  /** The original's name in log lines: `APP`, `preStart`, `web.health`, `task[backup]`. */
  label: string;
  /** inherit also hands over the terminal (v2 application, `main: true`). */
  stdin: "null" | "inherit";
  /** inherit: the descriptors as they are; log: lines through the log; capture: stdout is the value, stderr inherited. */
  output: "inherit" | "log" | "capture";
  /** Fields of its log lines, such as `process`, `serviceName`. */
  fields: Readonly<Record<string, string>>;
  /** Variables set to its pid for processes started later. */
  pidVariables?: readonly string[];
  /** They are taken away when it has ended (v3); v2 keeps them for its hooks. */
  pidUntilEnd?: true;
  /** Seconds or duration text as the configuration wrote it, for `timeout after …`; absent without a timeout. */
  timeoutText?: string;
  env?: Readonly<Record<string, string>>;
  attributes?: ProcessAttributes;
}

/** A service as the catalog shall know it. */
export interface Service {
  /** Id in the catalog: `NAME-HOSTNAME`. */
  id: string;
  name: string;
  address: string;
  port: number;
  tags: readonly string[];
  /** Time to live of its check. */
  ttl: Ms;
  meta?: Readonly<Record<string, string>>;
  enableTagOverride?: boolean;
  /** Consul gets the check with the service, as `service:ID` (v3); else by a request of its own, as ID (v2). */
  checkEmbedded?: true;
  /** Go duration text as written: given to Consul untouched. */
  deregisterCriticalServiceAfter?: string;
}

/** A service of others that is watched. */
export interface Dependency {
  name: string;
  tag?: string;
  dc?: string;
  /** Only used where blocking does not work. */
  poll: Ms;
}

export type CatalogSettings =
  | {
      kind: "consul";
      /** host:port, or a unix:// path; empty: `CONSUL_HTTP_ADDR`, else 127.0.0.1:8500. */
      address: string;
      scheme?: "http" | "https";
      token?: string;
      tokenFile?: string;
      tls?: { ca?: string; caPath?: string; cert?: string; key?: string; serverName?: string; verify: boolean };
    }
  | { kind: "etcd"; endpoints: readonly string[]; prefix: string; version: 2 | 3 }
  | { kind: "directory"; path: string };

export interface Logging {
  level: "debug" | "info" | "warn" | "error" | "fatal" | "panic";
  format: "default" | "text" | "json";
  /** stdout, stderr, or a file's path (v3). */
  output: string;
  /** v3 `raw` applies per job and is not here. dialect decides details of the three formats. */
  dialect: "v2" | "v3";
}

export interface Sensor {
  /** Full metric name, parts joined with `_`. */
  name: string;
  help: string;
  type: "counter" | "gauge" | "histogram" | "summary";
}

/** What ContainerPilot 3 shows under /status, in the configuration's order. `always`: healthy, in maintenance too. */
export interface StatusPage {
  version: string;
  jobs: readonly { id: JobId; name: string; service?: ServiceId; always?: true }[];
  watches: readonly string[];
}

export interface Telemetry {
  address: string;
  port: number;
  path: string;
  /** By the id of the job whose captured output is the value. */
  sensors: Readonly<Record<JobId, Sensor>>;
  /** By the key under which a value is posted to the control socket (v3). */
  metrics: Readonly<Record<string, Sensor>>;
  /** Served under /status; with it, events and watched instances are counted too (v3). */
  status?: StatusPage;
}

/** Everything of a configuration that the core must not know. */
export interface Deeds {
  /** By job id, and by probe id for probes with `how: "exec"`. */
  commands: Readonly<Record<JobId | ProbeId, Command>>;
  services: Readonly<Record<ServiceId, Service>>;
  watches: Readonly<Record<WatchId, Dependency>>;
  catalog: CatalogSettings;
  logging: Logging;
  /** Variables for children that the configuration gives rise to: `CONTAINERPILOT_<SERVICE>_IP`. */
  environment: Readonly<Record<string, string>>;
  telemetry?: Telemetry;
  /** Path of the control socket. */
  control: string;
}

/** A configuration that was read, decoded and found right. */
export interface Loaded {
  dialect: "v2" | "v3";
  plan: Plan;
  deeds: Deeds;
  /**
   * One printed line each, for the log; none when there is nothing to say. Asked for after the first programs are started:
   * wording them takes longer than loading the configuration did. Never rejects.
   */
  warnings: () => Promise<readonly string[]>;
}
