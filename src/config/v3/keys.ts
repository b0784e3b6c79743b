/** Every key of a ContainerPilot 3 configuration: what `decode.ts` reads, and what the JSON Schema is made from. */
import type { Table } from "../decode.ts";
import { CONSUL_BASE, CONSUL_TLS, DIRECTORY, ETCD, LOG_FORMATS, LOG_LEVELS, METRIC, STOP } from "../keys.ts";

/** Events as the original names them. Some can never start a job: see `when.ts`. */
export const EVENTS = [
  "exitSuccess",
  "exitFailed",
  "stopping",
  "stopped",
  "healthy",
  "unhealthy",
  "changed",
  "timerExpired",
  "enterMaintenance",
  "exitMaintenance",
  "error",
  "quit",
  "startup",
  "shutdown",
  "SIGHUP",
  "SIGUSR2",
] as const;

const RAW = { t: "map", keys: { raw: { t: "bool" } } } as const;

export const WHEN = {
  interval: { t: "span", min: 1 },
  source: { t: "text", or: "" },
  once: { t: "text", words: EVENTS, blank: true },
  each: { t: "text", words: EVENTS, blank: true },
  timeout: { t: "span", unless: "interval" },
} as const satisfies Table;

export const HEALTH = {
  exec: { t: "command" },
  interval: { t: "int", min: 1, need: true },
  ttl: { t: "int", min: 1, need: true },
  timeout: { t: "span" },
  logging: RAW,
} as const satisfies Table;

export const BACKOFF = {
  min: { t: "span", min: 1 },
  max: { t: "span", min: 1 },
  factor: { t: "int", min: 1 },
  resetAfter: { t: "span", min: 0 },
} as const satisfies Table;

export const JOB = {
  name: { t: "text", name: true, need: true },
  exec: { t: "command" },
  logging: RAW,
  when: { t: "map", keys: WHEN },
  timeout: { t: "span", min: 1 },
  stopTimeout: { t: "span" },
  restarts: { t: "restarts" },
  health: { t: "map", keys: HEALTH },
  port: { t: "int", or: 0 },
  initial_status: { t: "text", words: ["passing", "warning", "critical"], blank: true, with: "port" },
  interfaces: { t: "oneOrMore" },
  tags: { t: "texts" },
  consul: {
    t: "map",
    keys: { enableTagOverride: { t: "bool" }, deregisterCriticalServiceAfter: { t: "text", or: "" } },
  },
  main: { t: "bool" },
  essential: { t: "bool" },
  stopSignal: { t: "text" },
  stopTarget: { t: "text", words: ["process", "group"] },
  backoff: { t: "falseOrMap", keys: BACKOFF },
} as const satisfies Table;

export const WATCH = {
  name: { t: "text", name: true, need: true },
  interval: { t: "int", min: 1, need: true },
  tag: { t: "text" },
  dc: { t: "text" },
} as const satisfies Table;

export const TELEMETRY = {
  port: { t: "int", or: 9090 },
  interfaces: { t: "oneOrMore", listOnly: true },
  tags: { t: "texts" },
  metrics: { t: "list", keys: METRIC },
} as const satisfies Table;

export const EXIT = {
  of: { t: "text", words: ["main", "firstFailure", "worst", "zero"] },
  map: { t: "codes" },
} as const satisfies Table;

export const V3 = {
  consul: { t: "textOrMap", keys: { ...CONSUL_BASE, tls: { t: "map", keys: CONSUL_TLS } } },
  etcd: { t: "map", keys: ETCD },
  directory: { t: "textOrMap", keys: DIRECTORY },
  logging: {
    t: "map",
    keys: {
      level: { t: "text", words: LOG_LEVELS, anyCase: true, or: "info" },
      format: { t: "text", words: LOG_FORMATS, anyCase: true, or: "default" },
      output: { t: "text", or: "stdout" },
    },
    or: {},
  },
  stopTimeout: { t: "int", or: 5 },
  jobs: { t: "list", keys: JOB },
  watches: { t: "list", keys: WATCH },
  control: { t: "map", keys: { socket: { t: "text", or: "/var/run/containerpilot.socket" } }, or: {} },
  telemetry: { t: "map", keys: TELEMETRY },
  signals: { t: "signals" },
  stop: { t: "map", keys: STOP },
  exit: { t: "map", keys: EXIT },
  reload: { t: "text", words: ["all", "changed"] },
} as const satisfies Table;
