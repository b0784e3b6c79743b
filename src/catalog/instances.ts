/** Lists of instances: their order, and when two of them count as the same. */
import type { Instance } from "./catalog.ts";

function order(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By id; one id may stand on several nodes, so by address and port after that. */
export function sortInstances(instances: Instance[]): Instance[] {
  return instances.sort((a, b) => order(a.id, b.id) || order(a.address, b.address) || order(a.port, b.port));
}

/** Whether a hook must run: both sorted. Tags do not count, as in ContainerPilot 2.7.8 and 3.8.0. */
export function sameMembers(a: readonly Instance[], b: readonly Instance[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, at) => {
      const other = b[at];
      return other !== undefined && one.id === other.id && one.address === other.address && one.port === other.port;
    })
  );
}

/** Whether anything at all is different, tags included: both sorted. */
export function sameLists(a: readonly Instance[], b: readonly Instance[]): boolean {
  return (
    sameMembers(a, b) &&
    a.every((one, at) => one.name === b[at]?.name && one.tags.join("\0") === b[at]?.tags.join("\0"))
  );
}
