import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../harness/folder.ts";
import { ConsulAgent } from "./consul-agent.ts";
import { serviceOf, web } from "./contract.ts";
import { SessionProcess } from "./process.ts";

const service = serviceOf("web-host");

/** Watches two services, announces one, and has seen it. */
async function busy(process: SessionProcess): Promise<void> {
  process.tell({ watch: web });
  process.tell({ watch: { name: "db", poll: 1_000 } });
  process.tell({ announce: service });
  await process.line((line) => line.t === "watched" && line.watch === "web" && line.count === 1);
}

test("with a directory: nothing keeps a process that has closed its session", async () => {
  const process = await SessionProcess.start({ kind: "directory", path: join(tempFolder(), "catalog") });
  await busy(process);
  const { code, ms } = await process.close();
  expect(code).toBe(0);
  expect(ms).toBeLessThan(1_500);
});

test("with Consul: nothing keeps a process that has closed its session, though queries block", async () => {
  const agent = await ConsulAgent.start();
  const process = await SessionProcess.start({ kind: "consul", address: agent.address });
  await busy(process);
  const { code, ms } = await process.close();
  expect(code).toBe(0);
  expect(ms).toBeLessThan(1_500);
});

test("with a Consul that stands still: the same", async () => {
  const agent = await ConsulAgent.start();
  const process = await SessionProcess.start({ kind: "consul", address: agent.address });
  await busy(process);
  await agent.pause();
  process.tell({ announce: service });
  process.tell({ withdraw: service });
  const { code, ms } = await process.close();
  expect(code).toBe(0);
  expect(ms).toBeLessThan(1_500);
  agent.resume();
});

test("with a Consul that is not there, in its waits: the same", async () => {
  const agent = await ConsulAgent.prepare();
  const process = await SessionProcess.start({ kind: "consul", address: agent.address });
  process.tell({ watch: web });
  process.tell({ announce: service });
  await process.line(({ level }) => level === "warn");
  const { code, ms } = await process.close();
  expect(code).toBe(0);
  expect(ms).toBeLessThan(1_500);
});

test("an address that cannot be one: every wish is refused in words, nothing ends", async () => {
  const process = await SessionProcess.start({ kind: "consul", address: "tcp://somewhere:1" });
  process.tell({ watch: web });
  process.tell({ announce: service });
  await process.line(
    ({ message }) =>
      message === "Failed to query web: Consul's address begins with tcp://; known are http, https and unix",
  );
  await process.line(({ message }) => message?.startsWith("Service registration failed: Consul's address") === true);
  process.tell({ withdraw: service });
  await process.line(({ t }) => t === "withdrawn");
  expect((await process.close()).code).toBe(0);
});
