/** Names of services, jobs and watches. */
import { basename } from "node:path";

/** What a catalog's DNS can carry; ContainerPilot 2 only warns about others, ContainerPilot 3 refuses them where they are advertised. */
const NAME = /^[a-z][a-zA-Z0-9-]+$/;

export function isGoodName(name: string): boolean {
  return NAME.test(name);
}

/** Variable with the address of a service for the processes of this container. */
export function addressVariable(name: string): string {
  return `CONTAINERPILOT_${name.toUpperCase().replaceAll("-", "_")}_IP`;
}

/** Hands out ids: the name itself, and `name#2`, `name#3` for the next ones of the same name. */
export class Ids {
  /** By name, how many bear it; ids given are names too, so that a name `a#2` meets no other. */
  readonly #given = new Map<string, number>();

  take(name: string): string {
    let count = (this.#given.get(name) ?? 0) + 1;
    let id = count === 1 ? name : `${name}#${count}`;
    while (this.#given.has(id)) id = `${name}#${++count}`;
    this.#given.set(name, count);
    if (id !== name) this.#given.set(id, 1);
    return id;
  }
}

/** Variable with a process's pid, from its name as ContainerPilot 3 does it: the base name without its extension. */
export function pidVariable(name: string): string {
  const base = basename(name);
  const dot = base.lastIndexOf(".");
  const stem = dot < 0 ? base : base.replace(base.slice(dot), "");
  return `CONTAINERPILOT_${stem.replace(/[^a-zA-Z0-9]+/g, "_").toUpperCase()}_PID`;
}
