/** Keys that both dialects share. */
import type { Table } from "./decode.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "warning", "error", "fatal", "panic"] as const;
export const LOG_FORMATS = ["default", "text", "json"] as const;

export const CONSUL_BASE = {
  address: { t: "text", or: "" },
  scheme: { t: "text" },
  token: { t: "text" },
} as const satisfies Table;

export const CONSUL_TLS = {
  cafile: { t: "text" },
  capath: { t: "text" },
  clientcert: { t: "text" },
  clientkey: { t: "text" },
  servername: { t: "text" },
  verify: { t: "bool" },
} as const satisfies Table;

export const ETCD = {
  endpoints: { t: "oneOrMore", need: true },
  prefix: { t: "text", or: "/containerpilot" },
  version: { t: "int" },
} as const satisfies Table;

export const DIRECTORY = { path: { t: "text", need: true } } as const satisfies Table;

/** A metric of the user's own. */
export const METRIC = {
  namespace: { t: "text", or: "" },
  subsystem: { t: "text", or: "" },
  name: { t: "text", or: "" },
  help: { t: "text", or: "" },
  type: { t: "text", words: ["counter", "gauge", "histogram", "summary"], need: true },
} as const satisfies Table;

/** One budget for the whole stop, and its shares. */
export const STOP = {
  within: { t: "span", min: 1 },
  drain: { t: "span", min: 0 },
  grace: { t: "span", min: 0 },
  strays: { t: "span", min: 0 },
} as const satisfies Table;
