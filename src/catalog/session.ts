/** Wishes of the core on one side, a back end on the other. */
import { Announcer, type Surroundings } from "./announcer.ts";
import type { Backend, CatalogEvent, CatalogLog, CatalogSession } from "./catalog.ts";
import { type Clock, realClock } from "./clock.ts";
import { Outage } from "./outage.ts";
import { Watches } from "./watches.ts";

/** `tell` is never called from inside one of the session's own methods. */
export function openSession(
  backend: Backend,
  tell: (event: CatalogEvent) => void,
  log: (line: CatalogLog) => void,
  clock: Clock = realClock,
): CatalogSession {
  const announcers = new Map<string, Announcer>();
  const outage = new Outage(log, clock, () => {
    for (const announcer of [...announcers.values()]) announcer.catalogReturned();
  });
  const around: Surroundings = { backend, clock, outage, tell, log };
  const watches = new Watches(backend, outage, tell);
  let closed = false;

  function announcer(id: string): Announcer {
    const known = announcers.get(id);
    if (known !== undefined) return known;
    const created: Announcer = new Announcer(id, around, () => {
      if (announcers.get(id) === created) announcers.delete(id);
    });
    announcers.set(id, created);
    return created;
  }

  return {
    announce(id, service, attempt, status, output) {
      if (!closed) announcer(id).announce(service, attempt, status, output);
    },
    withdraw(id, service) {
      if (!closed) announcer(id).withdraw(service);
    },
    watch(id, dependency) {
      if (!closed) watches.add(id, dependency);
    },
    unwatch(id) {
      watches.remove(id);
    },
    close() {
      if (closed) return;
      closed = true;
      for (const one of announcers.values()) one.close();
      announcers.clear();
      watches.close();
      backend.close();
    },
  };
}
