import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { type Ended, PATH } from "../e2e/harness.ts";
import { command, drive } from "./image.ts";

const termBit = 1n << 14n;
/** Longer than Node takes to load the addon on an idle machine, so that all of its start is covered. */
const windowMs = 200;

/** True once the process has TERM blocked: from here on nothing may be lost. */
function blocksTerm(pid: number): boolean {
  try {
    const [, mask = "0"] = /^SigBlk:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return (BigInt(`0x${mask}`) & termBit) !== 0n;
  } catch {
    return false;
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function termAfter(pid: number, ms: number): Promise<void> {
  while (!blocksTerm(pid)) await sleep(1);
  await sleep(ms);
  process.kill(pid, "SIGTERM");
}

async function asPid1(ms: number): Promise<Ended> {
  const box = await drive("launcher", ["first-signal"]);
  await termAfter(box.pid, ms);
  return box.exit;
}

function asAnother(ms: number): Promise<Ended> {
  const [file = "", ...argv] = command("launcher", "first-signal");
  const child = spawn(file, argv, { stdio: "ignore", env: { PATH } });
  const alarm = setTimeout(() => child.kill("SIGKILL"), 20_000);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(alarm);
      resolve(signal === null ? { code: code ?? -1 } : { signal });
    });
    void termAfter(child.pid ?? 0, ms);
  });
}

/**
 * TERM at some moment between the launcher's first deed and the running init, `count` times, half of them as PID 1: each
 * must reach JavaScript, which leaves with 143. Death by the signal, or none at all, is what happens without protection.
 */
export async function checkEarlyTerm(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const ms = (windowMs * i) / count;
    const pid1 = i % 2 === 0;
    expect({ ms, pid1, ...(await (pid1 ? asPid1(ms) : asAnother(ms))) }).toEqual({ ms, pid1, code: 143 });
  }
}
