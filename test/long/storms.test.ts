import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { describeContainers, fixture, run } from "../e2e/harness.ts";

const orphans = 10_000;
const signals = 5000;
const starts = 100;
const firstRealTime = 34;

/** Settles when PID 1 keeps TERM for later; before, in its first instructions, the kernel drops it, as for any PID 1. */
async function blocked(pid: number): Promise<void> {
  const term = 1n << 14n;
  const look = () => BigInt(`0x${/^SigBlk:\t(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]}`) & term;
  while (look() === 0n) await sleep(1);
}

describeContainers("storms", () => {
  it(`leaves none of ${orphans} orphans behind`, async () => {
    const rounds = 20;
    const each = `${fixture("forks-orphan")} ${orphans / rounds} 0 & sleep 0.3; kill $!; wait $!`;
    const script = `i=0; while [ $i -lt ${rounds} ]; do ${each}; i=$((i + 1)); done; echo stormed; sleep 1000`;
    const container = await run({ config: { stopTimeout: 1 }, words: ["sh", "-c", script], timeoutMs: 300_000 });
    await container.waitFor(/stormed/);
    expect(container.stdout.match(/^orphaned 500$/gm)).toHaveLength(rounds);
    await expect.poll(async () => (await container.zombies()).length, { timeout: 10_000 }).toBe(0);
    expect((await container.processes()).map(({ name }) => name)).not.toContain("forks-orphan");
    container.signal("SIGTERM");
    expect(await container.exit).toEqual({ code: 143 });
  });

  it(`forwards ${signals} queued signals, each once and in order`, async () => {
    const container = await run({ config: {}, words: [fixture("logs-signals")], timeoutMs: 300_000 });
    await container.waitFor(/ready/);
    const sent = Array.from({ length: signals }, (_, index) => firstRealTime + 1 + (index % 8));
    for (const signo of sent) container.signal(signo);
    // Of all real-time signals that wait, the lowest is delivered first, so order holds among equals alone: signal(7).
    container.signal("SIGQUIT");
    await expect
      .poll(() => (container.stdout.match(/^got (3[5-9]|4[0-2]) /gm) ?? []).length, { timeout: 60_000 })
      .toBe(signals);
    for (const signo of new Set(sent)) {
      expect(container.stdout.match(new RegExp(`^got ${signo} `, "gm"))).toHaveLength(signals / 8);
    }
  });

  it(`ends ${starts} times out of ${starts} by a TERM at any moment of its start`, async () => {
    const ends: string[] = [];
    for (let count = 0; count < starts; count++) {
      const container = await run({ config: {}, words: [fixture("traps-term-exits-3")], timeoutMs: 10_000 });
      await blocked(container.pid);
      // From its first instructions on until well after the application runs.
      await sleep(count * 3);
      container.signal("SIGTERM");
      ends.push(JSON.stringify(await container.exit));
    }
    expect(ends.filter((end) => end !== '{"code":3}' && end !== '{"code":143}')).toEqual([]);
    expect(new Set(ends)).toContain('{"code":3}');
  });
});
