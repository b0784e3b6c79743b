/** The catalog's settings: `consul`, `etcd` or `directory`, with the environment's share of them. */
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
  { env, problems }: Context,
): CatalogSettings {
  const given = KEYS.filter((key) => Object.hasOwn(raw, key));
  for (const key of given) {
    if (raw[key] === null) problems.error("wrong-type", [key], { found: null, about: { kind: { t: "textOrMap" } } });
  }
  if (given.length > 1) {
    const also = given.slice(1).map((key) => [key]);
    problems.error("not-both", [given[0] as string], { atKey: true, about: { keys: given }, also });
  }
  if (keys.consul !== undefined) return consul(keys.consul, env);
  if (keys.etcd !== undefined) return etcd(keys.etcd, defaults.etcdVersion, problems);
  const { directory } = keys;
  if (directory === undefined && defaults.matters && given.length === 0) {
    problems.warn("no-catalog", [], { about: { path: DEFAULT_DIRECTORY } });
  }
  const path = typeof directory === "string" ? directory : directory?.path;
  return { kind: "directory", path: path || DEFAULT_DIRECTORY };
}

/**
 * Consul. The environment's token and TLS settings win over the configuration's, its address and scheme only fill gaps; the
 * text form always settles the scheme. Certificates are verified unless somebody writes otherwise.
 */
function consul(given: string | ConsulMap, env: Context["env"]): CatalogSettings {
  const text = typeof given === "string" ? /^(?:(https?):\/\/)?(.*)$/s.exec(given) : undefined;
  const map = typeof given === "string" ? undefined : given;
  const address = (text ? text[2] : map?.address) || env.CONSUL_HTTP_ADDR || "127.0.0.1:8500";
  const scheme = text ? (text[1] ?? "http") : map?.scheme || (isTrue(env.CONSUL_HTTP_SSL) ? "https" : "http");
  const token = env.CONSUL_HTTP_TOKEN || map?.token;
  const tokenFile = env.CONSUL_HTTP_TOKEN_FILE;
  return {
    kind: "consul",
    address,
    scheme: scheme === "https" ? "https" : "http",
    ...(token && { token }),
    ...(tokenFile && { tokenFile }),
    tls: tls(map?.tls, env),
  };
}

function tls(given: Read<typeof CONSUL_TLS> | undefined, env: Context["env"]) {
  const ca = env.CONSUL_CACERT || given?.cafile;
  const caPath = env.CONSUL_CAPATH || given?.capath;
  const cert = env.CONSUL_CLIENT_CERT || given?.clientcert;
  const key = env.CONSUL_CLIENT_KEY || given?.clientkey;
  const serverName = env.CONSUL_TLS_SERVER_NAME || given?.servername;
  const said = env.CONSUL_HTTP_SSL_VERIFY?.toLowerCase();
  const verify = said === "1" || said === "true" ? true : said === "0" || said === "false" ? false : given?.verify;
  return {
    ...(ca && { ca }),
    ...(caPath && { caPath }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(serverName && { serverName }),
    verify: verify ?? true,
  };
}

function isTrue(text: string | undefined): boolean {
  return text !== undefined && /^(1|t|T|true|TRUE|True)$/.test(text);
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
