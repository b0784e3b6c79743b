// The runtime of PID 1 crashes: until the native half forwards again, and until JavaScript decides again, against a start.
import { Container, now } from "../container.mjs";
import { program, sides } from "../sides.mjs";
import { compare, rounds } from "../stats.mjs";

const ms = (ns) => Number(ns) / 1e6;
const stamp = (match) => BigInt(match[1]);
const settle = (time) => new Promise((resolve) => setTimeout(resolve, time));
/** The runtime has loaded what it loads after the first exec. */
const CALM_MS = 700;

/** A signal that the native half forwards by itself; one that is a stop, which JavaScript has to decide on. */
const SIGNALS = { "forwards again": 40, "decides again": "SIGTERM" };

export async function rebirth(count) {
  const ready = program("ready");
  const echoes = program("echoes");
  const start = sides().containerpilot;
  const values = await rounds(["start", ...Object.keys(SIGNALS)], count, async (name) => {
    if (name === "start") {
      const box = new Container([...start, ready]);
      const first = stamp(await box.saw(/^ready (\d+)$/m));
      await box.exit;
      return ms(first - box.began);
    }
    const native = name === "forwards again";
    const box = new Container([...start, ...(native ? [echoes] : [ready, "wait"])]);
    await box.saw(/^ready/m);
    await settle(CALM_MS);
    const died = now();
    await box.signal("SIGSEGV");
    await box.saw(/the runtime has died/);
    await box.signal(SIGNALS[name]);
    const told = stamp(await box.saw(/^(?:signal|end) (\d+)$/m));
    await box.kill();
    return ms(told - died);
  });
  return { title: "rebirth: crash → the native half, JavaScript", unit: "ms", rows: compare(values, "start") };
}
