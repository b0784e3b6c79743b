/** What every back end keeps, run against the real thing. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Backend, CatalogError, Instance } from "../../../src/catalog/catalog.ts";
import type { Dependency, Service } from "../../../src/plan.ts";
import { sleep, until } from "./wait.ts";

/** A catalog for one test. */
export interface Bed {
  /** A client of its own, as another container has one. */
  open(): Backend;
  /** Makes the catalog forget the service, past any client. */
  wipe(service: Service): Promise<void>;
  /** Does not answer any more, at once (`absent`) or by keeping quiet (`hung`), when this has settled; `back` undoes it. */
  fail(how: "absent" | "hung"): Promise<void>;
  back(): Promise<void>;
}

export interface Traits {
  /** What it can do in being out of order. */
  fails: readonly ("absent" | "hung")[];
  /** Whether an instance can be there and not passing. */
  statuses: boolean;
  tags: boolean;
  /** Names and ids beyond what ContainerPilot accepts without a warning. */
  oddNames: readonly string[];
}

export function serviceOf(id: string, more: Partial<Service> = {}): Service {
  return { id, name: "web", address: "10.0.0.1", port: 8000, tags: [], ttl: 10_000, ...more };
}

export const web: Dependency = { name: "web", poll: 1_000 };

/** What a watch has given so far. */
export class Seen {
  readonly lists: (readonly Instance[])[] = [];
  readonly errors: CatalogError[] = [];
  readonly take = (list: readonly Instance[]): unknown => this.lists.push(list);
  readonly fail = (error: CatalogError): unknown => this.errors.push(error);

  get ids(): string[] | undefined {
    return this.lists.at(-1)?.map(({ id }) => id);
  }

  async until(...ids: string[]): Promise<void> {
    const wanted = JSON.stringify(ids.sort());
    await until(
      `watch gives ${wanted}`,
      () => this.ids,
      (seen) => JSON.stringify(seen) === wanted,
    );
  }
}

export function contract(name: string, start: () => Promise<Bed>, traits: Traits): void {
  describe(`${name} keeps the catalog's contract`, () => {
    let bed: Bed;
    const opened: Backend[] = [];
    const open = (): Backend => {
      const backend = bed.open();
      opened.push(backend);
      return backend;
    };
    const idsOf = async (backend: Backend, dependency = web): Promise<string[]> =>
      (await backend.list(dependency)).map(({ id }) => id);

    beforeEach(async () => {
      bed = await start();
    });
    afterEach(() => {
      for (const backend of opened.splice(0)) backend.close();
    });

    test("what is registered is listed, as it was registered, sorted by id", async () => {
      const [one, two] = [open(), open()];
      const tags = traits.tags ? ["blue", "v2"] : [];
      await one.register(serviceOf("web-b", { address: "10.0.0.2", port: 8080, tags }), "passing", "");
      await two.register(serviceOf("web-a"), "passing", "");
      await two.register(serviceOf("other-a", { name: "other" }), "passing", "");
      const list = await one.list(web);
      expect(list).toEqual([
        { id: "web-a", name: "web", address: "10.0.0.1", port: 8000, tags: [] },
        { id: "web-b", name: "web", address: "10.0.0.2", port: 8080, tags },
      ]);
      expect(await one.list({ name: "nobody", poll: 1_000 })).toEqual([]);
    });

    if (traits.tags)
      test("a query with a tag gives instances that have it, among others", async () => {
        const backend = open();
        await backend.register(serviceOf("web-a", { tags: ["primary", "x"] }), "passing", "");
        await backend.register(serviceOf("web-b", { tags: ["replica"] }), "passing", "");
        expect(await idsOf(backend, { ...web, tag: "primary" })).toEqual(["web-a"]);
        expect(await idsOf(backend, { ...web, tag: "prim" })).toEqual([]);
        const seen = new Seen();
        backend.watch({ ...web, tag: "replica" }, seen.take, seen.fail);
        await seen.until("web-b");
      });

    if (traits.statuses)
      test("only passing instances are given, and a status takes effect by update", async () => {
        const [own, other] = [open(), open()];
        const seen = new Seen();
        other.watch(web, seen.take, seen.fail);
        await own.register(serviceOf("web-a"), "passing", "");
        await seen.until("web-a");
        await own.update(serviceOf("web-a"), "warning", "slow");
        await seen.until();
        await own.update(serviceOf("web-a"), "passing", "");
        await seen.until("web-a");
        await own.update(serviceOf("web-a"), "critical", "exit 1");
        await seen.until();
        expect(await idsOf(own)).toEqual([]);
      });

    if (traits.statuses)
      test("what is registered as critical is not given, not even for a moment", async () => {
        const [own, other] = [open(), open()];
        const seen = new Seen();
        other.watch(web, seen.take, seen.fail);
        await seen.until();
        for (let n = 0; n < 5; n += 1) await own.register(serviceOf(`web-${n}`), "critical", "not yet");
        await own.register(serviceOf("web-last"), "passing", "");
        await seen.until("web-last");
        expect(seen.lists.map((list) => list.map(({ id }) => id))).toEqual([[], ["web-last"]]);
      });

    test("registering again does not make an instance come and go", async () => {
      const [own, other] = [open(), open()];
      const seen = new Seen();
      other.watch(web, seen.take, seen.fail);
      await seen.until();
      await own.register(serviceOf("web-a"), "passing", "");
      await seen.until("web-a");
      for (let n = 0; n < 5; n += 1) await own.register(serviceOf("web-a"), "passing", "");
      await own.register(serviceOf("web-b"), "passing", "");
      await seen.until("web-a", "web-b");
      expect(seen.lists.map((list) => list.map(({ id }) => id))).toEqual([[], ["web-a"], ["web-a", "web-b"]]);
    });

    test("a renewed instance stays, one that is not renewed goes when its TTL is over", async () => {
      const [own, other] = [open(), open()];
      const seen = new Seen();
      const [kept, lapsed] = [serviceOf("web-kept", { ttl: 2_000 }), serviceOf("web-lapsed", { ttl: 2_000 })];
      await own.register(kept, "passing", "");
      await own.register(lapsed, "passing", "");
      other.watch(web, seen.take, seen.fail);
      await seen.until("web-kept", "web-lapsed");
      for (let n = 0; n < 8; n += 1) {
        await sleep(500);
        await own.update(kept, "passing", "");
      }
      expect(seen.ids).toEqual(["web-kept"]);
      expect(seen.lists).toHaveLength(2);
      expect(await idsOf(other)).toEqual(["web-kept"]);
      if (traits.statuses) {
        await own.update(lapsed, "passing", "");
        await seen.until("web-kept", "web-lapsed");
      }
    });

    test("taking out takes out; again, or what was never there, is no error", async () => {
      const [own, other] = [open(), open()];
      const seen = new Seen();
      await own.register(serviceOf("web-a"), "passing", "");
      other.watch(web, seen.take, seen.fail);
      await seen.until("web-a");
      await own.deregister(serviceOf("web-a"));
      await seen.until();
      await own.deregister(serviceOf("web-a"));
      await own.deregister(serviceOf("web-never"));
      expect(await idsOf(own)).toEqual([]);
    });

    test("an update of what the catalog does not know is told as lost, and registering heals it", async () => {
      const backend = open();
      const service = serviceOf("web-a");
      await expect(backend.update(service, "passing", "")).rejects.toMatchObject({ kind: "lost" });
      await backend.register(service, "passing", "");
      await backend.update(service, "passing", "");
      await bed.wipe(service);
      await expect(backend.update(service, "passing", "")).rejects.toMatchObject({ kind: "lost" });
      await backend.register(service, "passing", "");
      await backend.update(service, "passing", "");
      expect(await idsOf(backend)).toEqual(["web-a"]);
    });

    test("another address or port replaces the former one", async () => {
      const [own, other] = [open(), open()];
      const seen = new Seen();
      other.watch(web, seen.take, seen.fail);
      await own.register(serviceOf("web-a"), "passing", "");
      await seen.until("web-a");
      // A container that was started again: another client, the same id.
      await open().register(serviceOf("web-a", { address: "10.0.0.9", port: 9000 }), "passing", "");
      await until(
        "the new address",
        () => seen.lists.at(-1)?.[0],
        (one) => one?.address === "10.0.0.9",
      );
      expect(await other.list(web)).toMatchObject([{ id: "web-a", address: "10.0.0.9", port: 9000 }]);
    });

    test("a watch gives the first list also when it is empty, and each change to all who watch", async () => {
      const [own, other] = [open(), open()];
      const watches = [new Seen(), new Seen(), new Seen()] as const;
      own.watch(web, watches[0].take, watches[0].fail);
      other.watch(web, watches[1].take, watches[1].fail);
      other.watch({ ...web, name: "db" }, watches[2].take, watches[2].fail);
      for (const seen of watches) await seen.until();
      await own.register(serviceOf("web-a"), "passing", "");
      for (const seen of watches.slice(0, 2)) await seen.until("web-a");
      await own.register(serviceOf("db-a", { name: "db" }), "passing", "");
      await watches[2].until("db-a");
      await own.deregister(serviceOf("web-a"));
      for (const seen of watches.slice(0, 2)) await seen.until();
      expect(watches.map(({ lists, errors }) => [lists.length, errors.length])).toEqual([
        [3, 0],
        [3, 0],
        [2, 0],
      ]);
    });

    test("a watch that was closed gives nothing any more", async () => {
      const backend = open();
      const [closed, open1] = [new Seen(), new Seen()];
      const watcher = backend.watch(web, closed.take, closed.fail);
      backend.watch(web, open1.take, open1.fail);
      await closed.until();
      await open1.until();
      watcher.close();
      await backend.register(serviceOf("web-a"), "passing", "");
      await open1.until("web-a");
      expect(closed.lists).toHaveLength(1);
      expect(closed.errors).toEqual([]);
    });

    test("a watch that is closed by what it is told is closed, and another one begins anew", async () => {
      const backend = open();
      await backend.register(serviceOf("web-a"), "passing", "");
      for (let n = 0; n < 3; n += 1) {
        const seen = new Seen();
        const take = (list: readonly Instance[]): void => {
          seen.take(list);
          watcher.close();
        };
        const watcher = backend.watch(web, take, seen.fail);
        await seen.until("web-a");
        await sleep(50);
        expect(seen.lists).toHaveLength(1);
      }
      const last = new Seen();
      backend.watch(web, last.take, last.fail);
      await last.until("web-a");
      await backend.register(serviceOf("web-b"), "passing", "");
      await last.until("web-a", "web-b");
    });

    test("500 instances are listed and watched", async () => {
      const [own, other] = [open(), open()];
      const ids = Array.from({ length: 500 }, (_, n) => `web-${String(n).padStart(3, "0")}`);
      for (let from = 0; from < ids.length; from += 20) {
        await Promise.all(
          ids.slice(from, from + 20).map((id) => own.register(serviceOf(id, { ttl: 60_000 }), "passing", "")),
        );
      }
      expect(await idsOf(other)).toEqual(ids);
      const seen = new Seen();
      other.watch(web, seen.take, seen.fail);
      await seen.until(...ids);
      await own.deregister(serviceOf("web-250"));
      await seen.until(...ids.filter((id) => id !== "web-250"));
    });

    test("names and ids with odd characters", async () => {
      const [own, other] = [open(), open()];
      for (const odd of traits.oddNames) {
        const service = serviceOf(`${odd}-host`, { name: odd });
        const seen = new Seen();
        other.watch({ name: odd, poll: 1_000 }, seen.take, seen.fail);
        await own.register(service, "passing", "");
        await own.update(service, "passing", "");
        await seen.until(service.id);
        expect(await other.list({ name: odd, poll: 1_000 })).toEqual([
          { id: service.id, name: odd, address: "10.0.0.1", port: 8000, tags: [] },
        ]);
        await own.deregister(service);
        await seen.until();
      }
    });

    test.each(traits.fails)(
      "%s: every call settles in its time, a watch tells it and goes on when it is over",
      async (how) => {
        const backend = open();
        const seen = new Seen();
        const service = serviceOf("web-a");
        backend.watch(web, seen.take, seen.fail);
        await backend.register(service, "passing", "");
        await seen.until("web-a");
        await bed.fail(how);
        const calls = {
          register: () => backend.register(service, "passing", ""),
          update: () => backend.update(service, "passing", ""),
          deregister: () => backend.deregister(service),
          list: () => backend.list(web),
        };
        await Promise.all(
          Object.entries(calls).map(async ([what, call]) => {
            const began = performance.now();
            await expect(call(), what).rejects.toMatchObject({
              name: "CatalogError",
              kind: expect.stringMatching(/down|refused/),
            });
            expect(performance.now() - began, what).toBeLessThan(backend.callMs + 500);
          }),
        );
        if (how === "absent")
          await until(
            "the watch tells it",
            () => seen.errors.length,
            (count) => count > 0,
          );
        expect(seen.ids).toEqual(["web-a"]);
        await bed.back();
        await until(
          "it answers again",
          () =>
            backend.register(serviceOf("web-b"), "passing", "").then(
              () => true,
              () => false,
            ),
          Boolean,
        );
        await until(
          "the watch goes on",
          () => seen.ids ?? [],
          (ids) => ids.includes("web-b"),
        );
      },
    );

    test("close rejects what is under way and ends every watch", async () => {
      const backend = open();
      const observer = open();
      const [closed, seen] = [new Seen(), new Seen()];
      backend.watch(web, closed.take, closed.fail);
      observer.watch(web, seen.take, seen.fail);
      await closed.until();
      const under = backend.register(serviceOf("web-a"), "passing", "").then(
        () => "done",
        (error: CatalogError) => error.name,
      );
      backend.close();
      expect(await under).toMatch(/done|CatalogError/);
      await observer.register(serviceOf("web-b"), "passing", "");
      await until(
        "the other client sees it",
        () => seen.ids ?? [],
        (ids) => ids.includes("web-b"),
      );
      await sleep(500);
      expect(closed.lists).toHaveLength(1);
      expect(closed.errors).toEqual([]);
    });
  });
}
