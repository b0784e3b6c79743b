import { beforeEach, describe, expect, test } from "vitest";
import { CatalogError, type CatalogSession, type Instance } from "../../../src/catalog/catalog.ts";
import { openSession } from "../../../src/catalog/session.ts";
import type { Dependency, Service } from "../../../src/plan.ts";
import { FakeBackend, FakeClock, Notes, settle } from "./fakes.ts";

const service: Service = { id: "web-h", name: "web", address: "10.0.0.1", port: 80, tags: [], ttl: 10_000 };
const down = new CatalogError("down", "connect ECONNREFUSED 127.0.0.1:8500");
const lost = new CatalogError("lost", "unknown check");
const refused = new CatalogError("refused", "403");

let backend: FakeBackend;
let clock: FakeClock;
let notes: Notes;
let session: CatalogSession;

beforeEach(() => {
  backend = new FakeBackend();
  clock = new FakeClock();
  notes = new Notes();
  session = openSession(backend, notes.tell, notes.log, clock);
});

function announce(attempt: number, more: Partial<Service> = {}): void {
  session.announce("web", { ...service, ...more }, attempt, "passing", "");
}

async function registered(): Promise<void> {
  announce(1);
  await backend.call.ok();
  notes.told();
  notes.logged();
}

describe("announcing", () => {
  test("the first wish registers, the next ones update", async () => {
    announce(1);
    expect(backend.calls).toEqual(["register web-h 10.0.0.1:80 passing"]);
    await backend.call.ok();
    expect(notes.told()).toEqual(["announced web #1 ok"]);
    expect(notes.logged()).toEqual(["info Service registered: web"]);
    session.announce("web", service, 2, "critical", "exit 1");
    expect(backend.calls).toEqual(["update web-h critical exit 1"]);
    await backend.call.ok();
    expect(notes.told()).toEqual(["announced web #2 ok"]);
    expect(notes.logged()).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  test("what the catalog has lost is registered again, in the words of the original", async () => {
    await registered();
    announce(2);
    await backend.call.fail(lost);
    expect(backend.calls).toEqual(["register web-h 10.0.0.1:80 passing"]);
    expect(notes.told()).toEqual([]);
    await backend.call.ok();
    expect(notes.told()).toEqual(["announced web #2 ok"]);
    expect(notes.logged()).toEqual(["info Service not registered: unknown check", "info Service registered: web"]);
  });

  test.each<Partial<Service>>([{ address: "10.0.0.2" }, { port: 81 }, { ttl: 5_000 }, { tags: ["x"] }])(
    "a changed definition is registered: %j",
    async (more) => {
      await registered();
      announce(2, more);
      expect(backend.call.call).toMatch(/^register/);
    },
  );

  test("one call at a time; of the wishes meanwhile only the newest is done", async () => {
    await registered();
    announce(2);
    announce(3);
    session.announce("web", service, 4, "warning", "slow");
    expect(backend.calls).toEqual(["update web-h passing"]);
    await backend.call.ok();
    expect(backend.calls).toEqual(["update web-h warning slow"]);
    await backend.call.ok();
    expect(notes.told()).toEqual(["announced web #2 ok", "announced web #4 ok"]);
    expect(backend.calls).toEqual([]);
  });

  test("wishes that come faster than the catalog fails do not hide that it fails", async () => {
    await registered();
    announce(2);
    for (let n = 3; n < 30; n += 3) {
      for (const more of [0, 1, 2]) announce(n + more);
      await backend.call.fail(down);
    }
    expect(notes.told().slice(0, 3)).toEqual([
      "announced web #2 failed",
      "announced web #5 failed",
      "announced web #8 failed",
    ]);
    expect(notes.logged()).toEqual([`warn Service registration failed: ${down.message}`]);
  });

  test("a newer wish while an update learns that it is lost: registered, then updated", async () => {
    await registered();
    announce(2);
    session.announce("web", service, 3, "warning", "");
    await backend.call.fail(lost);
    expect(backend.calls).toEqual(["register web-h 10.0.0.1:80 passing"]);
    await backend.call.ok();
    expect(backend.calls).toEqual(["update web-h warning"]);
  });

  test("services do not wait for each other", () => {
    announce(1);
    session.announce("db", { ...service, id: "db-h", name: "db" }, 1, "passing", "");
    expect(backend.calls).toEqual(["register web-h 10.0.0.1:80 passing", "register db-h 10.0.0.1:80 passing"]);
  });

  test("a wish that the service be gone, made while an update learns that it is lost, is not answered by registering", async () => {
    await registered();
    announce(2);
    session.withdraw("web", service);
    await backend.call.fail(lost);
    expect(backend.calls).toEqual(["deregister web-h"]);
  });
});

describe("trying again", () => {
  test("a failed registration is tried again without a new wish, with growing waits of at most half the TTL", async () => {
    session.announce("web", service, 1, "critical", "");
    const waits: number[] = [];
    for (let n = 0; n < 7; n += 1) {
      await backend.call.fail(down);
      const before = clock.time;
      while (backend.held.length === 0 && clock.time < before + 10_000) await clock.move(1);
      waits.push(clock.time - before);
    }
    expect(waits).toEqual([188, 375, 750, 1500, 3000, 3750, 3750]);
  });

  test("each failed attempt is told, and the one that works as well, for the same wish", async () => {
    announce(1);
    await backend.call.fail(down);
    await clock.move(200);
    await backend.call.ok();
    expect(notes.told()).toEqual(["announced web #1 failed", "announced web #1 ok"]);
    expect(clock.timers).toBe(0);
  });

  test("a new wish does not wait for the retry and replaces it", async () => {
    announce(1);
    await backend.call.fail(down);
    announce(2);
    expect(backend.calls).toHaveLength(1);
    await backend.call.ok();
    expect(notes.told()).toEqual(["announced web #1 failed", "announced web #2 ok"]);
    await clock.move(60_000);
    expect(backend.calls).toEqual([]);
  });

  test("a passing status that nobody wished for a whole TTL is not renewed; a critical one is", async () => {
    announce(1);
    await backend.call.fail(down);
    let tries = 0;
    for (let n = 0; n < 100; n += 1) {
      await clock.move(1_000);
      if (backend.held.length > 0) {
        tries += 1;
        await backend.call.fail(down);
      }
    }
    expect(tries).toBeGreaterThan(2);
    expect(backend.calls).toEqual([]);
    expect(clock.timers).toBe(0);
    session.announce("web", service, 2, "critical", "");
    await backend.call.fail(down);
    for (let n = 0; n < 100; n += 1) {
      await clock.move(1_000);
      if (backend.held.length > 0) await backend.call.fail(down);
    }
    expect(clock.timers).toBe(1);
  });

  test("a withdrawn service is not registered by an old retry", async () => {
    announce(1);
    await backend.call.fail(down);
    session.withdraw("web", service);
    expect(backend.calls).toEqual(["deregister web-h"]);
    await backend.call.ok();
    await clock.move(60_000);
    expect(backend.calls).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});

describe("withdrawing", () => {
  test("takes out also what was never announced, and answers once", async () => {
    session.withdraw("web", service);
    expect(notes.told()).toEqual([]);
    await backend.call.ok();
    expect(notes.told()).toEqual(["withdrawn web ok"]);
    expect(notes.logged()).toEqual([]);
  });

  test("waits for the call under way, forgets the wishes behind it, and is not followed by anything", async () => {
    await registered();
    announce(2);
    announce(3);
    session.withdraw("web", service);
    expect(backend.calls).toEqual(["update web-h passing"]);
    await backend.call.ok();
    expect(backend.calls).toEqual(["deregister web-h"]);
    await backend.call.ok();
    expect(notes.told()).toEqual(["withdrawn web ok"]);
    expect(backend.calls).toEqual([]);
  });

  test("is answered once when it fails, logged once, and tried again until it is done", async () => {
    await registered();
    session.withdraw("web", service);
    await backend.call.fail(down);
    expect(notes.told()).toEqual(["withdrawn web failed"]);
    expect(notes.logged()).toEqual([`warn Deregistering failed: ${down.message}`]);
    await clock.move(200);
    await backend.call.fail(down);
    await clock.move(400);
    await backend.call.ok();
    expect(notes.told()).toEqual([]);
    expect(notes.logged()).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  test("asked twice is answered twice by one call", async () => {
    await registered();
    session.withdraw("web", service);
    session.withdraw("web", service);
    await backend.held[0]?.ok();
    while (backend.held.length > 0) await backend.call.ok();
    expect(notes.told()).toEqual(["withdrawn web ok", "withdrawn web ok"]);
  });

  test("overtaken by a wish to be there, it is answered as not done, and the service is registered anew", async () => {
    await registered();
    announce(2);
    session.withdraw("web", service);
    announce(3);
    expect(notes.told()).toEqual([]);
    await settle();
    expect(notes.told()).toEqual(["withdrawn web failed"]);
    await backend.call.ok();
    expect(backend.calls).toEqual(["update web-h passing"]);
  });

  test("a service announced after it was taken out is registered, not updated", async () => {
    await registered();
    session.withdraw("web", service);
    announce(2);
    await backend.call.ok();
    expect(backend.calls).toEqual(["register web-h 10.0.0.1:80 passing"]);
  });
});

describe("outages in the log", () => {
  const db: Dependency = { name: "db", poll: 1_000 };

  test("one line when it begins, one when it ends, however many calls fail", async () => {
    announce(1);
    session.watch("watch.db", db);
    await backend.call.fail(down);
    for (let n = 0; n < 20; n += 1) {
      backend.watches[0]?.failed(down);
      await clock.move(1_000);
      if (backend.held.length > 0) await backend.call.fail(down);
      if (n % 5 === 0) announce(n + 2);
    }
    expect(notes.logged()).toEqual([`warn Service registration failed: ${down.message}`]);
    announce(100);
    await backend.call.ok();
    expect(notes.logged()).toEqual(["info Service registered: web"]);
    backend.watches[0]?.seen([]);
    expect(notes.logged()).toEqual(["info The catalog answers again after 20 s"]);
  });

  test("a query that fails first begins it in the original's words", () => {
    session.watch("watch.db", db);
    backend.watches[0]?.failed(down);
    expect(notes.logged()).toEqual([`warn Failed to query db: ${down.message}`]);
  });

  test("what works meanwhile does not end it, so that a half-working catalog does not fill the log", async () => {
    await registered();
    session.watch("watch.db", db);
    for (let n = 2; n < 20; n += 1) {
      backend.watches[0]?.failed(down);
      announce(n);
      await backend.call.ok();
    }
    expect(notes.logged()).toEqual([`warn Failed to query db: ${down.message}`]);
  });

  test("a query that nobody asks any more does not keep it open", () => {
    session.watch("watch.db", db);
    backend.watches[0]?.failed(down);
    session.unwatch("watch.db");
    session.watch("watch.db", db);
    backend.watches[1]?.failed(down);
    expect(notes.logged()).toHaveLength(2);
  });

  test("a refusal is told for each subject, once for the same words, and once when it is over", async () => {
    announce(1);
    await backend.call.fail(refused);
    session.announce("db", { ...service, id: "db-h", name: "db" }, 1, "passing", "");
    await backend.call.fail(refused);
    announce(2);
    await backend.call.fail(refused);
    announce(3);
    await backend.call.fail(new CatalogError("refused", "another reason"));
    expect(notes.logged()).toEqual([
      "warn Service registration failed: 403",
      "warn Service registration failed: 403",
      "warn Service registration failed: another reason",
    ]);
    announce(4);
    await backend.call.ok();
    expect(notes.logged()).toEqual(["info Service registered: web", "info The catalog accepts service web again"]);
  });
});

describe("when the catalog returns", () => {
  const db: Dependency = { name: "db", poll: 1_000 };

  async function outage(): Promise<void> {
    session.watch("watch.db", db);
    backend.watches[0]?.failed(down);
  }

  test("what waits for a retry is done at once", async () => {
    announce(1);
    await backend.call.fail(down);
    await outage();
    for (let n = 0; n < 4; n += 1) {
      await clock.move(5_000);
      announce(n + 2);
      await backend.call.fail(down);
    }
    backend.watches[0]?.seen([]);
    expect(backend.calls).toEqual(["register web-h 10.0.0.1:80 passing"]);
  });

  test("what it may have lost is renewed at once, and so registered again", async () => {
    await registered();
    await outage();
    backend.watches[0]?.seen([]);
    expect(backend.calls).toEqual(["update web-h passing"]);
    await backend.call.fail(lost);
    expect(backend.call.call).toMatch(/^register/);
  });

  test("the core is asked where the last wish is older than the TTL", async () => {
    await registered();
    await outage();
    await clock.move(10_001);
    backend.watches[0]?.seen([]);
    expect(backend.calls).toEqual([]);
    expect(notes.told()).toContain("forgotten web");
  });
});

describe("watching", () => {
  const db: Dependency = { name: "db", poll: 1_000 };
  const one: Instance = { id: "db-1", name: "db", address: "10.0.0.1", port: 5432, tags: [] };
  const two: Instance = { ...one, id: "db-2" };

  test("an empty first list does not differ, one with instances does", () => {
    session.watch("watch.db", db);
    session.watch("watch.web", { ...db, name: "web" });
    backend.watches[0]?.seen([]);
    backend.watches[1]?.seen([one]);
    expect(notes.told()).toEqual(["watched watch.db r1 0 same []", "watched watch.web r1 1 differs [db-1]"]);
  });

  test("revisions grow; only id, address and port count; what is the same in everything is not told", () => {
    session.watch("watch.db", db);
    const lists: Instance[][] = [
      [one],
      [one],
      [one, two],
      [{ ...one, tags: ["x"] }, two],
      [{ ...one, port: 1 }, two],
      [two],
      [],
      [],
    ];
    for (const list of lists) backend.watches[0]?.seen(list);
    expect(notes.told()).toEqual([
      "watched watch.db r1 1 differs [db-1]",
      "watched watch.db r2 2 differs [db-1,db-2]",
      "watched watch.db r3 2 same [db-1,db-2]",
      "watched watch.db r4 2 differs [db-1,db-2]",
      "watched watch.db r5 1 differs [db-2]",
      "watched watch.db r6 0 differs []",
    ]);
  });

  test("one query for all who watch the same; a late one is given the list as it stands", async () => {
    session.watch("a", db);
    session.watch("b", { ...db, poll: 5_000 });
    session.watch("c", { ...db, tag: "primary" });
    session.watch("d", { ...db, dc: "east" });
    expect(backend.watches.map(({ dependency }) => [dependency.tag, dependency.dc])).toEqual([
      [undefined, undefined],
      ["primary", undefined],
      [undefined, "east"],
    ]);
    backend.watches[0]?.seen([one]);
    expect(notes.told()).toEqual(["watched a r1 1 differs [db-1]", "watched b r1 1 differs [db-1]"]);
    session.watch("e", db);
    expect(notes.told()).toEqual([]);
    await settle();
    expect(notes.told()).toEqual(["watched e r1 1 differs [db-1]"]);
    expect(backend.watches).toHaveLength(3);
  });

  test("the query ends with the last who watches; watching again begins anew", async () => {
    session.watch("a", db);
    session.watch("b", db);
    backend.watches[0]?.seen([one]);
    session.unwatch("a");
    expect(backend.watches[0]?.closed).toBe(false);
    session.unwatch("b");
    session.unwatch("b");
    expect(backend.watches[0]?.closed).toBe(true);
    notes.told();
    session.watch("a", db);
    backend.watches[1]?.seen([one]);
    expect(notes.told()).toEqual(["watched a r1 1 differs [db-1]"]);
  });

  test("a watch under the same name is replaced", () => {
    session.watch("a", db);
    session.watch("a", { ...db, tag: "primary" });
    expect(backend.watches.map(({ closed }) => closed)).toEqual([true, false]);
  });

  test("the last good list survives an outage, and is not told again when it is still right", () => {
    session.watch("a", db);
    backend.watches[0]?.seen([one]);
    notes.told();
    for (let n = 0; n < 3; n += 1) backend.watches[0]?.failed(down);
    backend.watches[0]?.seen([one]);
    expect(notes.told()).toEqual([]);
    backend.watches[0]?.seen([one, two]);
    expect(notes.told()).toEqual(["watched a r2 2 differs [db-1,db-2]"]);
  });
});

test("after close nothing is told, tried or left behind", async () => {
  announce(1);
  session.watch("a", { name: "db", poll: 1_000 });
  session.withdraw("db", { ...service, id: "db-h", name: "db" });
  const [registering, leaving] = backend.held;
  await leaving?.fail(down);
  notes.told();
  notes.logged();
  session.close();
  await registering?.fail(down);
  await clock.move(60_000);
  announce(2);
  session.withdraw("web", service);
  session.watch("b", { name: "db", poll: 1_000 });
  session.unwatch("a");
  session.close();
  expect(notes.told()).toEqual([]);
  expect(notes.logged()).toEqual([]);
  expect(backend.calls).toEqual([]);
  expect(clock.timers).toBe(0);
  expect(backend.watches.map(({ closed }) => closed)).toEqual([true]);
  expect(backend.closed).toBe(true);
});
