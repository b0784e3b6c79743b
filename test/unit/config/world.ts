/** The container that the tests of the configuration pretend to be in. */
import type { Address } from "../../../src/config/interfaces.ts";
import { type LoadRequest, type LoadResult, load } from "../../../src/config/load.ts";
import type { Loaded } from "../../../src/plan.ts";

export const INTERFACES: readonly Address[] = [
  { name: "lo", address: "127.0.0.1" },
  { name: "lo", address: "::1" },
  { name: "eth0", address: "10.20.30.40" },
];

export function request(config: unknown, more: Partial<LoadRequest> = {}): LoadRequest {
  const text = typeof config === "string" ? config : JSON.stringify(config);
  return { config: text, words: ["/bin/app"], env: {}, hostname: "HOST", pid: 7, interfaces: INTERFACES, ...more };
}

export function loadText(config: unknown, more: Partial<LoadRequest> = {}): Promise<LoadResult> {
  return load(request(config, more));
}

/** A configuration with its warnings at hand. */
export type Accepted = Omit<Loaded, "warnings"> & { warnings: readonly string[] };

/** The loaded configuration; throws with the printed problems where it is refused. */
export async function accepted(config: unknown, more: Partial<LoadRequest> = {}): Promise<Accepted> {
  const result = await loadText(config, more);
  if (!result.ok) throw new Error(`refused:\n${result.problems.join("\n")}`);
  return { ...result.loaded, warnings: await result.loaded.warnings() };
}

/** The printed problems; throws where the configuration is accepted. */
export async function refused(config: unknown, more: Partial<LoadRequest> = {}): Promise<string> {
  const result = await loadText(config, more);
  if (result.ok) throw new Error("accepted");
  return result.problems.join("\n");
}
