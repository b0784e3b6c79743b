import type { Backend, CatalogError, CatalogEvent, CatalogLog, Instance } from "../../../src/catalog/catalog.ts";
import type { Clock } from "../../../src/catalog/clock.ts";
import type { Dependency, Ms, Service } from "../../../src/plan.ts";

/** Lets everything run that waits for nothing but other promises. */
export async function settle(): Promise<void> {
  for (let n = 0; n < 50; n += 1) await Promise.resolve();
}

/** A clock that stands until it is moved. Chance is one half, so a back-off waits three quarters of its whole. */
export class FakeClock implements Clock {
  time: Ms = 1_000;
  readonly #timers = new Set<{ at: Ms; due: () => void }>();

  now(): Ms {
    return this.time;
  }

  random(): number {
    return 0.5;
  }

  after(ms: Ms, due: () => void): () => void {
    const timer = { at: this.time + ms, due };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** From timer to timer, each with all that follows from it. */
  async move(ms: Ms): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.at - b.at);
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      this.time = next.at;
      next.due();
      await settle();
    }
    this.time = end;
  }
}

/** One call that the test answers. */
export interface Held {
  call: string;
  ok(): Promise<void>;
  fail(error: CatalogError): Promise<void>;
}

export interface HeldWatch {
  dependency: Dependency;
  seen: (instances: readonly Instance[]) => void;
  failed: (error: CatalogError) => void;
  closed: boolean;
}

/** A back end that does nothing by itself: the test answers each call. */
export class FakeBackend implements Backend {
  readonly callMs = 2_000;
  readonly held: Held[] = [];
  readonly watches: HeldWatch[] = [];
  closed = false;

  register = (service: Service, status: string, output: string): Promise<void> =>
    this.#hold(`register ${service.id} ${service.address}:${service.port} ${status} ${output}`.trim());

  update = (service: Service, status: string, output: string): Promise<void> =>
    this.#hold(`update ${service.id} ${status} ${output}`.trim());

  deregister = (service: Service): Promise<void> => this.#hold(`deregister ${service.id}`);

  list = (): Promise<never> => Promise.reject(new Error("the session lists nothing"));

  watch = (dependency: Dependency, seen: HeldWatch["seen"], failed: HeldWatch["failed"]) => {
    const watch: HeldWatch = { dependency, seen, failed, closed: false };
    this.watches.push(watch);
    return {
      close: () => {
        watch.closed = true;
      },
    };
  };

  close(): void {
    this.closed = true;
  }

  /** The calls under way, in words. */
  get calls(): string[] {
    return this.held.map(({ call }) => call);
  }

  /** The only call under way. */
  get call(): Held {
    const [first, ...more] = this.held;
    if (first === undefined || more.length > 0) throw new Error(`calls under way: ${JSON.stringify(this.calls)}`);
    return first;
  }

  #hold(call: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => void this.held.splice(this.held.indexOf(one), 1);
      const one: Held = {
        call,
        async ok() {
          done();
          resolve();
          await settle();
        },
        async fail(error) {
          done();
          reject(error);
          await settle();
        },
      };
      this.held.push(one);
    });
  }
}

/** What was told and logged, as short lines, taken away by looking. */
export class Notes {
  #told: string[] = [];
  #logged: string[] = [];

  readonly tell = (event: CatalogEvent): void => void this.#told.push(short(event));
  readonly log = ({ level, message }: CatalogLog): void => void this.#logged.push(`${level} ${message}`);

  told(): string[] {
    const told = this.#told;
    this.#told = [];
    return told;
  }

  /** Without the debug lines. */
  logged(): string[] {
    const logged = this.#logged;
    this.#logged = [];
    return logged.filter((line) => !line.startsWith("debug"));
  }
}

function short(event: CatalogEvent): string {
  switch (event.t) {
    case "announced":
      return `announced ${event.service} #${event.attempt} ${event.ok ? "ok" : "failed"}`;
    case "withdrawn":
      return `withdrawn ${event.service} ${event.ok ? "ok" : "failed"}`;
    case "forgotten":
      return `forgotten ${event.service}`;
    case "watched": {
      const ids = event.instances.map(({ id }) => id).join(",");
      return `watched ${event.watch} r${event.revision} ${event.count} ${event.differs ? "differs" : "same"} [${ids}]`;
    }
    default:
      return event satisfies never;
  }
}
