/** The session for what the configuration says. Each back end is loaded by itself, when it is the one. */
import type { CatalogSettings } from "../plan.ts";
import { asCatalogError, type Backend, type CatalogEvent, type CatalogLog, type CatalogSession } from "./catalog.ts";
import { openSession } from "./session.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Never rejects for what the configuration says wrongly: then every call is refused, in words. */
export async function openCatalog(
  settings: CatalogSettings,
  tell: (event: CatalogEvent) => void,
  log: (line: CatalogLog) => void,
  env: Env = process.env,
): Promise<CatalogSession> {
  return openSession(await openBackend(settings, log, env), tell, log);
}

async function openBackend(settings: CatalogSettings, log: (line: CatalogLog) => void, env: Env): Promise<Backend> {
  try {
    switch (settings.kind) {
      case "consul": {
        const { openConsul } = await import("./consul.ts");
        return openConsul(settings, env);
      }
      case "directory": {
        const { openDirectory } = await import("./directory.ts");
        return openDirectory(settings.path, log);
      }
      case "etcd": {
        const { openEtcd } = await import("./etcd.ts");
        return openEtcd(settings, log);
      }
      default:
        return settings satisfies never;
    }
  } catch (error) {
    return unusable(asCatalogError(error));
  }
}

/** Stands for a catalog that cannot be reached at all, whatever happens outside. */
function unusable(error: Error): Backend {
  const refuse = (): Promise<never> => Promise.reject(error);
  return {
    callMs: 0,
    register: refuse,
    update: refuse,
    deregister: refuse,
    list: refuse,
    watch(_dependency, _seen, failed) {
      queueMicrotask(() => failed(asCatalogError(error)));
      return { close() {} };
    },
    close() {},
  };
}
