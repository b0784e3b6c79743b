/** Every key of a ContainerPilot 2 configuration: what `decode.ts` reads, and what the JSON Schema is made from. */

import type { Table } from "../decode.ts";
import { CONSUL_BASE, DIRECTORY, ETCD, LOG_FORMATS, LOG_LEVELS, METRIC, STOP } from "../keys.ts";

export const SERVICE = {
  name: { t: "text", name: true, need: true },
  port: { t: "int", min: 1, need: true },
  poll: { t: "int", min: 1, need: true },
  ttl: { t: "int", min: 1, need: true },
  health: { t: "command" },
  timeout: { t: "span", min: 0, with: "health" },
  interfaces: { t: "oneOrMore" },
  tags: { t: "texts" },
  consul: {
    t: "map",
    keys: {
      enableTagOverride: { t: "bool" },
      deregisterCriticalServiceAfter: { t: "span", unit: true },
    },
  },
  // Fields that the original's decoder set and its program overwrote.
  id: { t: "ignored" },
  IPAddress: { t: "ignored" },
  // Containerbuddy 1.x.
  publicIp: { t: "bool" },
} as const satisfies Table;

export const BACKEND = {
  name: { t: "text", name: true, need: true },
  poll: { t: "int", min: 1, need: true },
  onChange: { t: "command", need: true },
  timeout: { t: "span", min: 0 },
  tag: { t: "text" },
} as const satisfies Table;

export const TASK = {
  name: { t: "text" },
  command: { t: "command", need: true },
  frequency: { t: "span", min: 1, need: true },
  timeout: { t: "span", min: 1 },
} as const satisfies Table;

export const COPROCESS = {
  name: { t: "text" },
  command: { t: "command", need: true },
  restarts: { t: "restarts" },
} as const satisfies Table;

export const SENSOR = {
  ...METRIC,
  poll: { t: "int", min: 1, need: true },
  check: { t: "command", need: true },
  timeout: { t: "span", min: 0 },
} as const satisfies Table;

export const TELEMETRY = {
  port: { t: "int", min: 1, or: 9090 },
  interfaces: { t: "oneOrMore", listOnly: true },
  tags: { t: "texts" },
  sensors: { t: "list", keys: SENSOR },
  // Undocumented in the original, but they took effect there.
  ttl: { t: "int", min: 1, or: 15 },
  poll: { t: "int", min: 1, or: 5 },
  url: { t: "text", or: "/metrics" },
  serviceName: { t: "text", or: "containerpilot" },
} as const satisfies Table;

export const V2 = {
  consul: { t: "textOrMap", keys: CONSUL_BASE },
  etcd: { t: "map", keys: ETCD },
  directory: { t: "textOrMap", keys: DIRECTORY },
  logging: {
    t: "map",
    keys: {
      level: { t: "text", words: LOG_LEVELS, anyCase: true, or: "info" },
      format: { t: "text", words: LOG_FORMATS, anyCase: true, or: "default" },
      output: { t: "text", words: ["stdout", "stderr"], anyCase: true, or: "stdout" },
    },
    or: {},
  },
  preStart: { t: "command" },
  onStart: { t: "command" },
  preStop: { t: "command" },
  postStop: { t: "command" },
  stopTimeout: { t: "int", or: 5 },
  services: { t: "list", keys: SERVICE },
  backends: { t: "list", keys: BACKEND },
  tasks: { t: "list", keys: TASK },
  coprocesses: { t: "list", keys: COPROCESS },
  telemetry: { t: "map", keys: TELEMETRY },
  signals: { t: "signals" },
  stop: { t: "map", keys: STOP },
} as const satisfies Table;
