/** Every code, and every signal: the container ends as its application did, as a shell counts it. */
import { expect, it } from "vitest";
import { describeContainers, type Ended, run } from "../e2e/harness.ts";

const atOnce = 3;
/** Their default does not end a process (signal(7)), or, for CHLD, there is none. */
const harmless = new Set([17, 18, 19, 20, 21, 22, 23, 28]);
/** The C library keeps them to itself. */
const internal = new Set([32, 33]);

async function all(scripts: readonly string[]): Promise<Ended[]> {
  const ends: Ended[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < scripts.length; i = next++) {
      const words = ["sh", "-c", scripts[i] ?? ""];
      ends[i] = await (await run({ config: { directory: "catalog" }, words, timeoutMs: 60_000 })).exit;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return ends;
}

describeContainers("the end of the application", () => {
  it("by each of 256 codes is the container's", async () => {
    const codes = Array.from({ length: 256 }, (_, code) => code);
    expect(await all(codes.map((code) => `exit ${code}`))).toEqual(codes.map((code) => ({ code })));
  });

  it("by each signal that ends a process is 128 and its number", async () => {
    const signals = Array.from({ length: 64 }, (_, i) => i + 1).filter(
      (one) => !harmless.has(one) && !internal.has(one),
    );
    const ends = await all(signals.map((signo) => `ulimit -c 0; kill -${signo} $$`));
    expect(ends).toEqual(signals.map((signo) => ({ code: 128 + signo })));
  });
});
