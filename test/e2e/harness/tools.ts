import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

export const root: string = join(import.meta.dirname, "../../..");

/** Node's own folder first: tests run under the Node they are started with. */
export const PATH: string = [
  join(process.execPath, ".."),
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/sbin",
  "/bin",
].join(delimiter);

/** A program that `scripts/build-tools` makes from test/tools and test/fixtures. */
export function tool(name: string): string {
  return join(root, "build/tools", name);
}

/** A program of test/fixtures by its name, in C or a script. */
export function fixture(name: string): string {
  const script = join(root, "test/fixtures", name);
  return existsSync(script) ? script : tool(name);
}

/** A program of a server package: from a variable such as CONSUL_BIN, the PATH, or where `scripts/setup` unpacks it. */
export function server(name: "consul" | "etcd" | "nginx" | "prometheus"): string {
  const named = process.env[`${name.toUpperCase()}_BIN`];
  if (named !== undefined) return named;
  const places = [...PATH.split(delimiter), ...["usr/bin", "usr/sbin"].map((bin) => join(root, ".tools", name, bin))];
  const found = places.map((place) => join(place, name)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${name} is missing: run scripts/setup ${name}`);
  return found;
}

execFileSync(join(root, "scripts/build-tools"), { stdio: ["ignore", "inherit", "inherit"] });

/** Why this machine cannot run a container here; undefined when it can. */
export const refused: string | undefined = (() => {
  const tried = spawnSync(tool("container"), ["--net", "--", "/bin/true"], { encoding: "utf8" });
  return tried.status === 0 ? undefined : tried.stderr.trim();
})();
