/**
 * Host names, each asked for once at a time. A resolver that does not answer keeps a thread for many seconds, and a call
 * that gave up leaves it behind: without this, calls every second would use up all threads.
 */
import { type LookupAddress, type LookupOptions, lookup } from "node:dns";

type Told = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** A `lookup` for sockets. An IPv6 address in brackets, as it stands in a URL, is taken as it is. */
export function sharedLookup(): (host: string, options: LookupOptions, told: Told) => void {
  const asked = new Map<string, Told[]>();
  return (host, options, told) => {
    const name = host.replace(/^\[(.*)\]$/, "$1");
    const key = JSON.stringify([name, options]);
    const waiting = asked.get(key);
    if (waiting !== undefined) {
      waiting.push(told);
      return;
    }
    const all = [told];
    asked.set(key, all);
    lookup(name, options, (error, address, family) => {
      asked.delete(key);
      for (const one of all) one(error, address, family);
    });
  };
}
