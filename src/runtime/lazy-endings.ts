import type { Endings } from "./endings.ts";
import type { Environment } from "./environment.ts";
import { Lazy } from "./lazy.ts";

/** Loaded once the first programs run: none of them has ended before. */
export function lazyEndings(environment: Environment, note: ConstructorParameters<typeof Endings>[1]): Lazy<Endings> {
  return new Lazy(
    async () => new (await import("./endings.ts")).Endings(environment, note),
    // As with the core: without it nothing that follows means anything.
    (error) => {
      throw error;
    },
  );
}
