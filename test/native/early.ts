import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { type Ended, PATH } from "../e2e/harness.ts";
import { command, drive } from "./image.ts";

const termBit = 1n << 14n;
const limitMs = 60_000;
/** TERM, HUP, USR1, and a real-time one. */
const signals = [15, 1, 10, 37] as const;

/** How the tries are made. */
export interface EarlyTries {
  count: number;
  /** As PID 1, or as a child of the test. */
  pid1: boolean;
  /** Path of the Node that is started; the one in PATH unless given. */
  node?: string;
  /** Tries under way at a time. */
  atOnce?: number;
}

interface Try {
  signo: number;
  ms: number;
}

/** True once the process has TERM blocked: from here on nothing may be lost. */
function blocksTerm(pid: number): boolean {
  const [, mask = "0"] = /^SigBlk:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return (BigInt(`0x${mask}`) & termBit) !== 0n;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function signalAfter(pid: number, { signo, ms }: Try): Promise<void> {
  while (!blocksTerm(pid)) await sleep(1);
  await sleep(ms);
  process.kill(pid, signo);
}

const environment = (node: string | undefined): Record<string, string> =>
  node === undefined ? {} : { CONTAINERPILOT_NODE: node };

async function asPid1(one: Try, node: string | undefined): Promise<Ended> {
  const box = await drive("launcher", ["first-signal"], { timeoutMs: limitMs, env: environment(node) });
  await signalAfter(box.pid, one);
  return box.exit;
}

async function asAnother(one: Try, node: string | undefined): Promise<Ended> {
  const [file = "", ...argv] = command("launcher", "first-signal");
  const child = spawn(file, argv, { stdio: "ignore", env: { PATH, ...environment(node) } });
  const alarm = setTimeout(() => child.kill("SIGKILL"), limitMs);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(alarm);
      resolve(signal === null ? { code: code ?? -1 } : { signal });
    });
  });
  await signalAfter(child.pid ?? 0, one);
  return ended;
}

/**
 * A signal at some moment between the launcher's first deed and the running init, `count` times: each must reach JavaScript,
 * which leaves with 128 + its number. Death by the signal, or none at all, is what happens without protection.
 */
export async function checkEarlySignals({ count, pid1, node, atOnce = 1 }: EarlyTries): Promise<void> {
  const check = async (one: Try): Promise<void> => {
    const ended = await (pid1 ? asPid1(one, node) : asAnother(one, node));
    expect({ ...one, ...ended }).toEqual({ ...one, code: 128 + one.signo });
  };
  const workers = (work: () => Promise<void>) => Promise.all(Array.from({ length: atOnce }, work));
  // The tries are spread over a whole start, as long as it takes on this machine now: one signalled at once shows it.
  const began = performance.now();
  await workers(() => check({ signo: 15, ms: 0 }));
  const windowMs = performance.now() - began;
  let next = 0;
  await workers(async () => {
    for (let i = next++; i < count; i = next++)
      await check({ signo: signals[i % signals.length] ?? 15, ms: (windowMs * i) / count });
  });
  expect(next).toBeGreaterThanOrEqual(count);
}
