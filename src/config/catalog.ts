/** The catalog's settings: `consul`, `etcd` or `directory`. */
import type { CatalogSettings } from "../plan.ts";
import type { Context } from "./context.ts";
import type { Read } from "./decode.ts";
import type { CONSUL_BASE, CONSUL_TLS, DIRECTORY, ETCD } from "./keys.ts";

export const DEFAULT_DIRECTORY = "/run/containerpilot/catalog";

type ConsulMap = Read<typeof CONSUL_BASE> & { readonly tls?: Read<typeof CONSUL_TLS> | undefined };

interface CatalogKeys {
  consul: string | ConsulMap | undefined;
  etcd: Read<typeof ETCD> | undefined;
  directory: string | Read<typeof DIRECTORY> | undefined;
}

const KEYS = ["consul", "etcd", "directory"] as const;

/**
 * The one catalog that is given. Without any it is the directory catalog, and a warning says so where `matters`: where a
 * service or a watch needs it. More than one, or a null, is refused, as the originals do.
 */
export function readCatalog(
  raw: Readonly<Record<string, unknown>>,
  keys: CatalogKeys,
  defaults: { etcdVersion: 2 | 3; matters: boolean },
  { problems }: Context,
): CatalogSettings {
  const given = KEYS.filter((key) => Object.hasOwn(raw, key));
  for (const key of given) {
    if (raw[key] === null) problems.error("wrong-type", [key], { found: null, about: { kind: { t: "textOrMap" } } });
  }
  if (given.length > 1) {
    const also = given.slice(1).map((key) => [key]);
    problems.error("not-both", [given[0] as string], { atKey: true, about: { keys: given }, also });
  }
  if (keys.consul !== undefined) return consul(keys.consul);
  if (keys.etcd !== undefined) return etcd(keys.etcd, defaults.etcdVersion, problems);
  const { directory } = keys;
  if (directory === undefined && defaults.matters && given.length === 0) {
    problems.warn("no-catalog", [], { about: { path: DEFAULT_DIRECTORY } });
  }
  const path = typeof directory === "string" ? directory : directory?.path;
  return { kind: "directory", path: path || DEFAULT_DIRECTORY };
}

/**
 * Consul, as it is written: the catalog's back end fills gaps from the environment. The text form settles the scheme itself.
 * Certificates are verified unless somebody writes otherwise.
 */
function consul(given: string | ConsulMap): CatalogSettings {
  if (typeof given === "string") {
    const [, scheme = "http", address = ""] = /^(?:(https?):\/\/)?(.*)$/s.exec(given) ?? [];
    return { kind: "consul", address, scheme: scheme === "https" ? "https" : "http" };
  }
  const { address, scheme, token, tls } = given;
  return {
    kind: "consul",
    address,
    ...(scheme && { scheme: scheme === "https" ? "https" : "http" }),
    ...(token && { token }),
    ...(tls && { tls: tlsOf(tls) }),
  };
}

function tlsOf({ cafile, capath, clientcert, clientkey, servername, verify = true }: Read<typeof CONSUL_TLS>) {
  return {
    ...(cafile && { ca: cafile }),
    ...(capath && { caPath: capath }),
    ...(clientcert && { cert: clientcert }),
    ...(clientkey && { key: clientkey }),
    ...(servername && { serverName: servername }),
    verify,
  };
}

function etcd(given: Read<typeof ETCD>, version: 2 | 3, problems: Context["problems"]): CatalogSettings {
  const at = [...given.at, "endpoints"];
  if (given.endpoints.length === 0 && !problems.refused) problems.error("missing", at, { about: { items: true } });
  for (const endpoint of given.endpoints) {
    if (!/^https?:\/\/[^/]/.test(endpoint)) problems.error("bad-endpoint", at, { found: endpoint });
  }
  if (given.version !== undefined && given.version !== 2 && given.version !== 3) {
    problems.error("bad-word", [...given.at, "version"], { found: given.version, about: { words: ["2", "3"] } });
  }
  return {
    kind: "etcd",
    endpoints: given.endpoints,
    prefix: given.prefix,
    version: given.version === 2 || given.version === 3 ? given.version : version,
  };
}
