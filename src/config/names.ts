/** Names of services, jobs and watches. */

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
  readonly #given = new Set<string>();

  take(name: string): string {
    let id = name;
    for (let n = 2; this.#given.has(id); n += 1) id = `${name}#${n}`;
    this.#given.add(id);
    return id;
  }
}

/** Variable with a process's pid, from its name as ContainerPilot 3 does it: the base name without its extension. */
export function pidVariable(name: string): string {
  const base = name.replace(/\/+$/, "").replace(/^.*\//s, "");
  const dot = base.lastIndexOf(".");
  const stem = dot < 0 ? base : base.replace(base.slice(dot), "");
  return `CONTAINERPILOT_${stem.replace(/[^a-zA-Z0-9]+/g, "_").toUpperCase()}_PID`;
}
