/** `services`: what the application is registered as, and how its health is told. */
import type { Service } from "../../plan.ts";
import { chooseAddress } from "../addresses.ts";
import type { Context } from "../context.ts";
import type { Read } from "../decode.ts";
import { selectAddress } from "../interfaces.ts";
import { Ids, isGoodName } from "../names.ts";
import type { Path } from "../problems.ts";
import type { Config } from "./index.ts";
import type { SERVICE } from "./keys.ts";

const DEFAULT_INTERFACES = ["eth0:inet"];

/** A service with its health check. */
export interface Advertised {
  service: Service;
  probe: string;
  seconds: { every: number; ttl: number };
  health?: { argv: readonly string[]; timeout?: { ms: number; text: string } };
}

export function readServices(config: Config, context: Context): readonly Advertised[] {
  const probes = new Ids();
  const seen = new Map<string, Path>();
  return config.services.map((given) => {
    const { name, port, tags = [], poll, ttl } = given;
    checkName(name, given.at, context);
    checkOldKeys(given, context);
    const key = `${name}:${port}`;
    const first = seen.get(key);
    if (first) context.problems.warn("same-service", given.at, { found: key, also: [first] });
    seen.set(key, given.at);
    const { enableTagOverride, deregisterCriticalServiceAfter } = given.consul ?? {};
    return {
      service: {
        id: `${name}-${context.hostname}`,
        name,
        address: addressOf(given, context),
        port,
        tags,
        ttl: ttl * 1000,
        ...(enableTagOverride && { enableTagOverride }),
        ...(deregisterCriticalServiceAfter && {
          deregisterCriticalServiceAfter: deregisterCriticalServiceAfter.text,
        }),
      },
      probe: probes.take(`health.${name}`),
      seconds: { every: poll, ttl },
      ...(given.health && { health: { argv: given.health, ...(given.timeout && { timeout: given.timeout }) } }),
    };
  });
}

/** What a catalog's DNS cannot carry is used as it is, with a warning. */
export function checkName(name: string, at: Path, { problems }: Context): void {
  if (name !== "" && !isGoodName(name)) problems.warn("odd-name", [...at, "name"], { found: name });
}

function checkOldKeys(given: Read<typeof SERVICE>, { problems }: Context): void {
  for (const key of ["id", "IPAddress"] as const) {
    if (given[key] !== undefined) problems.warn("no-effect", [...given.at, key], { atKey: true });
  }
  if (given.publicIp !== undefined) {
    problems.warn("old-key", [...given.at, "publicIp"], { atKey: true, about: { now: "interfaces" } });
  }
  if (given.port > 65_535) problems.warn("odd-port", [...given.at, "port"], { found: given.port });
  if (given.ttl < 2 * given.poll && given.ttl > 0) {
    problems.warn("short-ttl", [...given.at, "ttl"], { found: given.ttl, about: { every: given.poll } });
  }
}

/** Containerbuddy's `publicIp` is the first public IPv4 address, with the ordinary rules where there is none. */
function addressOf(given: Read<typeof SERVICE>, context: Context): string {
  const specs = given.interfaces?.length ? given.interfaces : DEFAULT_INTERFACES;
  if (given.publicIp && given.interfaces === undefined) {
    const address = selectAddress([{ t: "public" }], context.addresses());
    if (address !== undefined) return address;
    context.problems.warn("no-public-address", [...given.at, "publicIp"], { atKey: true });
  }
  return chooseAddress(specs, [...given.at, "interfaces"], context);
}
