import type { JobId } from "../plan.ts";
import type { Drains } from "./drains.ts";
import { Lazy } from "./lazy.ts";

/** Loaded with the first drain: few containers ask for one, and none before it stops. */
export function lazyDrains(tell: (job: JobId, open: number) => void, failed: (text: string) => void): Lazy<Drains> {
  return new Lazy(
    async () => new (await import("./drains.ts")).Drains(tell),
    (error) => failed(`connections cannot be counted: ${String(error)}`),
  );
}
