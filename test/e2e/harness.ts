/**
 * What end-to-end tests are made of. A test that needs containers begins with `describeContainers("…", () => { … })`;
 * whatever is started in a test ends with it, and what is started in `beforeAll` ends with the file.
 */
import { describe } from "vitest";
import { refused } from "./harness/tools.ts";

export { memoryLimit, pidsLimit } from "./harness/cgroup.ts";
export { cleanUp, onFailure } from "./harness/cleanup.ts";
export { type Files, tempFolder, writeFiles } from "./harness/folder.ts";
export { type Answer, ask, freePort, type Network, network } from "./harness/network.ts";
export { type Ended, type Process, Program } from "./harness/program.ts";
export { type Container, entrypoint, type RunOptions, run } from "./harness/run.ts";
export { consulAgent, etcd, nginx, type Server } from "./harness/servers.ts";
export { fixture, PATH, root, server, tool } from "./harness/tools.ts";

/** Skips, and says why, on a machine that refuses namespaces: there nothing of it could be shown. */
export function describeContainers(name: string, tests: () => void): void {
  const title = refused === undefined ? name : `${name} (skipped: ${refused})`;
  describe.skipIf(refused !== undefined)(title, tests);
}
