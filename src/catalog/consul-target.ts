/** Where the agent is and how to speak to it: what the configuration says and what `CONSUL_*` variables say, by precedence. */
import { join } from "node:path";
import type { CatalogSettings } from "../plan.ts";
import { CatalogError } from "./catalog.ts";
import { systemCertificates } from "./system-certificates.ts";

/* Node's fs/promises is imported where a file is read: without certificates and token files it is memory for nothing. */
type Env = Readonly<Record<string, string | undefined>>;
type ConsulSettings = Extract<CatalogSettings, { kind: "consul" }>;

/** PEM texts; absent: what Node has. */
export interface Certificates {
  ca?: string[];
  cert?: string;
  key?: string;
}

export interface Target {
  /** For messages: never holds a user or password. */
  shown: string;
  /** With `/v1`, without a slash at the end. */
  baseUrl: string;
  socketPath?: string;
  secure: boolean;
  /** Whether the agent's certificate is checked. */
  verify: boolean;
  serverName?: string;
  /** Reads the files named; rejects with CatalogError. */
  certificates(): Promise<Certificates>;
  /** The token to send now; undefined: none. Read again for each call, since files are rotated. Rejects with CatalogError. */
  token(): Promise<string | undefined>;
}

/**
 * ContainerPilot 2.7.8 and 3.8.0: non-empty variables win over the configuration for token, certificates, server name and
 * verification; address and scheme are the other way round. Unlike 3.8.0 the certificate is checked unless told otherwise.
 * Throws CatalogError for an address that cannot be one.
 */
export function targetOf(settings: ConsulSettings, env: Env): Target {
  const address = settings.address || env.CONSUL_HTTP_ADDR || "127.0.0.1:8500";
  const scheme = settings.scheme ?? (truth(env.CONSUL_HTTP_SSL) === true ? "https" : "http");
  const tls = settings.tls;
  const serverName = env.CONSUL_TLS_SERVER_NAME || tls?.serverName;
  const files = {
    ca: env.CONSUL_CACERT || tls?.ca,
    caPath: env.CONSUL_CAPATH || tls?.caPath,
    cert: env.CONSUL_CLIENT_CERT || tls?.cert,
    key: env.CONSUL_CLIENT_KEY || tls?.key,
    system: env.SSL_CERT_FILE,
  };
  return {
    ...placeOf(address, scheme),
    verify: truth(env.CONSUL_HTTP_SSL_VERIFY) ?? tls?.verify ?? true,
    ...(serverName ? { serverName } : {}),
    certificates: () => readCertificates(files),
    token: () => readToken(settings, env),
  };
}

/** Go's client takes a scheme in front of the address, and never goes back from https to http because of it. */
function placeOf(
  address: string,
  scheme: "http" | "https",
): Pick<Target, "shown" | "baseUrl" | "socketPath" | "secure"> {
  if (address.startsWith("unix://")) {
    const socketPath = address.slice("unix://".length);
    return { shown: address, baseUrl: `${scheme}://localhost/v1`, socketPath, secure: scheme === "https" };
  }
  const [, prefix, rest = ""] = /^(?:(\w+):\/\/)?(.*)$/.exec(address) ?? [];
  if (prefix !== undefined && prefix !== "http" && prefix !== "https") {
    throw new CatalogError("refused", `Consul's address begins with ${prefix}://; known are http, https and unix`);
  }
  const secure = scheme === "https" || prefix === "https";
  const text = `${secure ? "https" : "http"}://${rest}`;
  if (!URL.canParse(text) || new URL(text).hostname === "") {
    const shown = rest.slice(rest.lastIndexOf("@") + 1);
    throw new CatalogError(
      "refused",
      `Consul's address "${shown}" is not host:port, http(s)://host:port or unix:///path`,
    );
  }
  const url = new URL(text);
  const path = url.pathname.replace(/\/+$/, "");
  const user = url.username === "" ? "" : `${url.username}:${url.password}@`;
  return {
    shown: `${url.protocol}//${url.host}${path}`,
    baseUrl: `${url.protocol}//${user}${url.host}${path}/v1`,
    secure,
  };
}

function truth(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (["1", "true"].includes(text.toLowerCase())) return true;
  return ["0", "false"].includes(text.toLowerCase()) ? false : undefined;
}

async function readToken(settings: ConsulSettings, env: Env): Promise<string | undefined> {
  const given = env.CONSUL_HTTP_TOKEN || settings.token;
  if (given) return given;
  const file = settings.tokenFile || env.CONSUL_HTTP_TOKEN_FILE;
  if (!file) return undefined;
  const token = (await readText("token file", file)).trim();
  return token === "" ? undefined : token;
}

async function readCertificates(
  files: Partial<Record<"ca" | "caPath" | "cert" | "key" | "system", string | undefined>>,
) {
  const certificates: Certificates = {};
  if (files.ca) certificates.ca = [await readText("CA certificate", files.ca)];
  else if (files.caPath) certificates.ca = await readFolder(files.caPath);
  else {
    const system = await systemCertificates(files.system);
    if (system !== undefined) certificates.ca = [system];
  }
  if (files.cert) certificates.cert = await readText("client certificate", files.cert);
  if (files.key) certificates.key = await readText("client key", files.key);
  return certificates;
}

async function readFolder(folder: string): Promise<string[]> {
  const { readdir } = await import("node:fs/promises");
  const names = await readdir(folder).catch((error: unknown) => {
    throw unreadable("CA folder", folder, error);
  });
  return Promise.all(names.sort().map((name) => readText("CA certificate", join(folder, name))));
}

async function readText(what: string, file: string): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw unreadable(what, file, error);
  }
}

function unreadable(what: string, file: string, error: unknown): CatalogError {
  const reason = (error as NodeJS.ErrnoException).code ?? String(error);
  return new CatalogError("refused", `cannot read Consul's ${what} ${file}: ${reason}`);
}
