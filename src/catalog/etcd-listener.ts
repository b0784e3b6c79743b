/**
 * Whether something happened to a service's instances, other than heartbeats. etcd tells its events as lines of one long
 * answer; waiting for a single event from an index on (`waitIndex`) would be a request for each heartbeat of anybody.
 */
import type { Ms } from "../plan.ts";
import { asCatalogError } from "./catalog.ts";
import type { Clock } from "./clock.ts";
import type { EtcdHttp } from "./etcd-http.ts";

const beginMs: Ms = 2_000;
/** After this long it listens anew, and so the list is read in any case: a connection may die without a word. */
const listenMs: Ms = 60_000;

interface Stream {
  news: boolean;
  /** Nothing more will come; `error`: because it broke. */
  over: boolean;
  error: Error | undefined;
  changed: () => void;
  stop: () => void;
}

export class EtcdListener {
  readonly #http: EtcdHttp;
  readonly #clock: Clock;
  readonly #key: string;
  #stream: Stream | undefined;

  constructor(http: EtcdHttp, clock: Clock, key: string) {
    this.#http = http;
    this.#clock = clock;
    this.#key = key;
  }

  /** Listens anew. A list that is read after this settled misses nothing. Rejects with CatalogError. */
  async begin(signal: AbortSignal): Promise<void> {
    this.close();
    const ends = new AbortController();
    const stop = (): void => ends.abort();
    const stream: Stream = { news: false, over: false, error: undefined, changed() {}, stop };
    const query = { wait: "true", recursive: "true", stream: "true" };
    const call = { method: "GET", key: this.#key, query, timeoutMs: beginMs, signal: ends.signal } as const;
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const { ended } = await this.#http.listen(call, (line) => {
        if (isHeartbeat(line)) return;
        stream.news = true;
        stream.changed();
      });
      this.#stream = stream;
      void ended.then((error) => {
        stream.over = true;
        stream.error = error;
        stream.changed();
      });
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Settles when there is news since `begin` or the last time; true: it must begin again first. Rejects with CatalogError. */
  async news(signal: AbortSignal): Promise<boolean> {
    const stream = this.#stream;
    if (stream === undefined) return true;
    const late = await this.#until(() => stream.news || stream.over || signal.aborted, stream, signal);
    stream.news = false;
    if (stream.error !== undefined) throw asCatalogError(stream.error);
    signal.throwIfAborted();
    return late || stream.over;
  }

  close(): void {
    this.#stream?.stop();
    this.#stream = undefined;
  }

  /** False when it holds, true after `listenMs`. */
  async #until(holds: () => boolean, stream: Stream, signal: AbortSignal): Promise<boolean> {
    if (holds()) return false;
    return new Promise((resolve) => {
      const end = (late: boolean): void => {
        cancel();
        signal.removeEventListener("abort", check);
        stream.changed = () => {};
        resolve(late);
      };
      const check = (): void => {
        if (holds()) end(false);
      };
      const cancel = this.#clock.after(listenMs, () => end(true));
      stream.changed = check;
      signal.addEventListener("abort", check);
    });
  }
}

/** Renewing an instance's time is an `update` of its directory; whatever else happens may change the list. */
function isHeartbeat(line: string): boolean {
  try {
    const { action, node } = JSON.parse(line) as { action?: unknown; node?: { dir?: unknown } };
    return action === "update" && node?.dir === true;
  } catch {
    return false;
  }
}
