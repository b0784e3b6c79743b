/** `process_*`, under the names and with the meaning of Prometheus' client libraries. Read at each scrape, never between. */
import { readdirSync, readFileSync } from "node:fs";
import { Counter, Gauge, type Metric } from "prom-client";

/** Clock ticks a second in /proc: USER_HZ, 100 on every architecture that Node runs on (proc(5), time(7)). */
const TICKS = 100;

interface Stat {
  cpuSeconds: number;
  /** Seconds after the machine's start. */
  startedAt: number;
  virtualBytes: number;
}

/** Gives undefined where /proc does not tell it (not mounted, hidden): the metric is then left out, as in the original. */
type Read = () => number | undefined;

function unlessHidden<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** /proc/self/stat; fields are numbered as in proc(5), from 1. The second, a name, may hold blanks and parentheses. */
function stat(): Stat {
  const text = readFileSync("/proc/self/stat", "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3]);
  return { cpuSeconds: (field(14) + field(15)) / TICKS, startedAt: field(22) / TICKS, virtualBytes: field(23) };
}

/** Seconds since the epoch at which the machine started. */
function bootTime(): number {
  return Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "latin1"))?.[1]);
}

/** The soft limit; 2^64 for none, as Go's library has it. */
function descriptorsMax(): number {
  const soft = /^Max open files +(\S+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  return soft === "unlimited" ? 2 ** 64 : Number(soft);
}

function gauge(name: string, help: string, read: Read): Metric {
  return new Gauge({
    name,
    help,
    registers: [],
    collect() {
      const value = unlessHidden(read);
      if (value === undefined) this.remove();
      else this.set(value);
    },
  });
}

function counter(name: string, help: string, read: Read): Metric {
  return new Counter({
    name,
    help,
    registers: [],
    collect() {
      this.reset();
      const value = unlessHidden(read);
      if (value === undefined) this.remove();
      else this.inc(value);
    },
  });
}

/** The metrics of this process, in no registry yet. */
export function processMetrics(): readonly Metric[] {
  // Read once: the wall clock is set now and then, and with it btime, but a start time that moves means a restart.
  let started: number | undefined;
  const startTime = (): number => {
    started ??= bootTime() + stat().startedAt;
    return started;
  };
  return [
    counter(
      "process_cpu_seconds_total",
      "CPU time of this process, user and system, in seconds.",
      () => stat().cpuSeconds,
    ),
    // Reading the folder takes a descriptor, which is in it.
    gauge("process_open_fds", "Open file descriptors.", () => readdirSync("/proc/self/fd").length - 1),
    gauge("process_max_fds", "Most file descriptors that may be open.", descriptorsMax),
    gauge("process_virtual_memory_bytes", "Size of the address space in bytes.", () => stat().virtualBytes),
    gauge("process_resident_memory_bytes", "Memory in RAM in bytes.", () => process.memoryUsage.rss()),
    gauge("process_start_time_seconds", "Start of this process, in seconds since the epoch.", startTime),
  ];
}
