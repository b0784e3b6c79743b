/**
 * One service as the catalog shall know it: the newest wish wins, one call at a time, what failed is tried again with
 * back-off until it is done or not wished any more.
 */
import type { Ms, Service, Status } from "../plan.ts";
import { asCatalogError, type Backend, type CatalogError, type CatalogEvent, type CatalogLog } from "./catalog.ts";
import { backoff, type Clock } from "./clock.ts";
import type { Outage } from "./outage.ts";

const retryFirstMs: Ms = 250;
const retryMaxMs: Ms = 30_000;

export interface Surroundings {
  backend: Backend;
  clock: Clock;
  outage: Outage;
  tell: (event: CatalogEvent) => void;
  log: (line: CatalogLog) => void;
}

type Wish =
  | { there: true; attempt: number; service: Service; status: Status; output: string; at: Ms }
  | { there: false; service: Service };

export class Announcer {
  readonly #id: string;
  readonly #around: Surroundings;
  /** Called when nothing is left to do or to remember. */
  readonly #gone: () => void;
  #wish: Wish | undefined;
  /** The definition that the catalog has from us, as text; undefined: none that we know of. */
  #held: string | undefined;
  /** Calls of `withdraw` that were not answered yet. */
  #unanswered = 0;
  /** Counts wishes and retries; a call works for one of them and its result counts only for that one. */
  #turn = 0;
  #busy = false;
  #failures = 0;
  #cancelRetry: (() => void) | undefined;
  #closed = false;

  constructor(id: string, around: Surroundings, gone: () => void) {
    this.#id = id;
    this.#around = around;
    this.#gone = gone;
  }

  announce(service: Service, attempt: number, status: Status, output: string): void {
    this.#wish = { there: true, attempt, service, status, output, at: this.#around.clock.now() };
    this.#next();
    const overtaken = this.#unanswered;
    this.#unanswered = 0;
    // Not from inside the call: whoever wishes must be able to note it first.
    queueMicrotask(() => this.#answerWithdrawals(overtaken, false));
  }

  withdraw(service: Service): void {
    this.#unanswered += 1;
    this.#wish = { there: false, service };
    this.#failures = 0;
    this.#next();
  }

  /** The catalog answers again: do now what waits for a retry, and make sure that it still knows us. */
  catalogReturned(): void {
    const wish = this.#wish;
    if (wish === undefined || this.#busy || this.#closed) return;
    if (this.#tooOld(wish)) this.#around.tell({ t: "forgotten", service: this.#id });
    else this.#next();
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
  }

  /** A passing status is not renewed on our own account beyond the TTL: the core may have stopped wishing it. */
  #tooOld(wish: Wish): boolean {
    return wish.there && wish.status === "passing" && this.#around.clock.now() - wish.at > wish.service.ttl;
  }

  #next(): void {
    this.#turn += 1;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    if (!this.#busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    let done = -1;
    while (!this.#closed && done !== this.#turn && this.#wish !== undefined) {
      done = this.#turn;
      const wish = this.#wish;
      const error = await (wish.there ? this.#putIn(wish) : this.#takeOut(wish.service));
      if (this.#closed) return;
      if (wish.there) this.#announced(wish, error);
      else this.#withdrawn(wish, error);
    }
    this.#busy = false;
  }

  /** Undefined: done, or overtaken by the wish that it be gone. */
  async #putIn(wish: Wish & { there: true }): Promise<CatalogError | undefined> {
    const { backend, log } = this.#around;
    const definition = JSON.stringify(wish.service);
    if (this.#held === definition) {
      const error = await failureOf(backend.update(wish.service, wish.status, wish.output));
      if (error?.kind !== "lost") return error;
      this.#held = undefined;
      log({ level: "info", message: `Service not registered: ${error.message}` });
      if (!this.#wish?.there) return undefined;
    }
    const error = await failureOf(backend.register(wish.service, wish.status, wish.output));
    if (error !== undefined) return error;
    this.#held = definition;
    if (!this.#closed) log({ level: "info", message: `Service registered: ${wish.service.name}` });
    return undefined;
  }

  async #takeOut(service: Service): Promise<CatalogError | undefined> {
    this.#held = undefined;
    return failureOf(this.#around.backend.deregister(service));
  }

  /** A call for a wish to be there has ended; a newer wish may have come meanwhile. */
  #announced(wish: Wish & { there: true }, error: CatalogError | undefined): void {
    const { outage, tell } = this.#around;
    if (error === undefined) {
      this.#failures = 0;
      outage.worked(this.#subject(wish));
    } else {
      if (wish === this.#wish) this.#retryLater(wish);
      outage.failed(this.#subject(wish), "Service registration failed", error);
    }
    if (!this.#wish?.there) return;
    tell({ t: "announced", service: this.#id, attempt: wish.attempt, ok: error === undefined });
  }

  #withdrawn(wish: Wish, error: CatalogError | undefined): void {
    if (wish !== this.#wish) return;
    const answered = this.#unanswered;
    this.#unanswered = 0;
    if (error === undefined) {
      this.#wish = undefined;
      this.#around.outage.forget(this.#subject(wish));
      this.#gone();
    } else {
      this.#retryLater(wish);
      if (answered > 0) this.#around.log({ level: "warn", message: `Deregistering failed: ${error.message}` });
    }
    this.#answerWithdrawals(answered, error === undefined);
  }

  #subject({ service }: Wish): string {
    return `service ${service.name}`;
  }

  #retryLater(wish: Wish): void {
    const { clock } = this.#around;
    const wait = backoff(clock, this.#failures, retryFirstMs, Math.min(retryMaxMs, wish.service.ttl / 2));
    this.#failures += 1;
    this.#cancelRetry = clock.after(wait, () => {
      if (!this.#closed && wish === this.#wish && !this.#tooOld(wish)) this.#next();
    });
  }

  #answerWithdrawals(count: number, ok: boolean): void {
    for (let left = count; left > 0 && !this.#closed; left -= 1) {
      this.#around.tell({ t: "withdrawn", service: this.#id, ok });
    }
  }
}

async function failureOf(call: Promise<void>): Promise<CatalogError | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    return asCatalogError(error);
  }
}
