/** Keeps Node's own ways to start processes shut. */
import { createRequire } from "node:module";
import { join } from "node:path";

const forbiddenModules = new Set(["child_process", "node:child_process", "cluster", "node:cluster"]);

type ModuleLoader = { _load: (request: string, ...rest: readonly unknown[]) => unknown };

/**
 * The reaper takes every child's end, so Node would wait for its own for ever (`spawnSync` blocks the whole init, `spawn`
 * never emits `exit`). The modules are not loaded for this: what asks for them is stopped.
 */
export function forbidChildProcess(): void {
  forbidBindings();
  const loader = createRequire(join(process.cwd(), "x"))("node:module") as ModuleLoader;
  const load = loader._load;
  loader._load = (request, ...rest) => {
    refuse(request);
    return load.call(loader, request, ...rest);
  };
  const builtin = process.getBuiltinModule;
  if (builtin !== undefined) {
    process.getBuiltinModule = ((id: string) => {
      refuse(id);
      return builtin.call(process, id);
    }) as typeof process.getBuiltinModule;
  }
}

interface Bindings {
  process_wrap: { Process: { prototype: { spawn: () => never } } };
  spawn_sync: { spawn: () => never };
}

/** What both modules are made of, for those who get one by another way: `import()` does not ask the loader. */
function forbidBindings(): void {
  const { binding } = process as unknown as { binding?: <N extends keyof Bindings>(name: N) => Bindings[N] };
  if (binding === undefined) return;
  const never = (): never => forbidden("child_process");
  binding("process_wrap").Process.prototype.spawn = never;
  binding("spawn_sync").spawn = never;
}

function refuse(request: string): void {
  if (forbiddenModules.has(request)) forbidden(request);
}

function forbidden(what: string): never {
  throw new Error(`${what} cannot be used in this process: its native half reaps every child; use Pilot.spawn`);
}
