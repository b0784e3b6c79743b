import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type Container, describeContainers } from "../harness.ts";
import { app, bare, sh, soon, times } from "../v2/stage.ts";
import { deaths, die, letDie, mortal, shim } from "./stage.ts";

const hooks = { preStop: "echo hook before", postStop: "echo hook after" };

/** Runs, and can be made to die inside of calls that its native half makes. */
async function shimmed(words: readonly string[] = app): Promise<Container> {
  const box = await mortal({ config: { ...bare, ...hooks }, words, env: { LD_PRELOAD: shim }, binds: [shim] });
  await box.waitFor(/ready/);
  return box;
}

/** Lets the init die in the next call of a kind, or soon; it has understood. */
async function arm(box: Container, place: string): Promise<void> {
  letDie(box, place);
  await soon(() => expect(existsSync(join(box.folder, "die"))).toBe(false));
}

/** Everything that belongs to a stop has happened, and once. */
async function stopped(box: Container): Promise<void> {
  expect(await box.exit).toEqual({ code: 3 });
  const said = [/ready/g, /hook before/g, /got TERM/g, /hook after/g];
  expect(said.map((each) => times(box, each))).toEqual([1, 1, 1, 1]);
}

describeContainers("the runtime dies where it hurts", () => {
  it.each([
    ["with the allocator's lock held", "in-malloc", /^segv$/],
    ["in a thread of libuv's pool", "in-pool", /^segv$/],
    ["in a worker's thread", "in-worker", /^segv$/],
    ["while it takes what the native half reports", "in-drain", /^segv$/],
    ["of a heap that is never quite full", "thrash", /^(hang|heap: .*)$/],
  ])("%s", async (_, way, cause) => {
    const box = await mortal({ config: { ...bare, ...hooks }, words: app });
    await box.waitFor(/ready/);
    expect(await die(box, way)).toMatch(cause);
    box.signal("SIGTERM");
    await stopped(box);
  });

  it("of a null pointer, but not of WebAssembly that reads beyond its memory", async () => {
    const box = await mortal({ config: { ...bare, ...hooks }, words: app });
    await box.waitFor(/ready/);
    expect(await die(box, "wasm-then-null")).toBe("segv");
    expect(readFileSync(join(box.folder, "traps"), "utf8")).toBe("200");
    box.signal("SIGTERM");
    await stopped(box);
  });

  it.each([
    ["just before a hook is cloned", "before-clone"],
    ["just after a hook was cloned, with its number known to nobody else", "after-clone"],
    ["while a hook is between clone and exec, in another thread", "while-spawning"],
    ["as it signals the application, with the lock that guards pids held", "kill"],
  ])("in a stop: %s", async (_, place) => {
    const box = await shimmed();
    await arm(box, place);
    box.signal("SIGTERM");
    await box.waitFor(/the runtime has died \(segv\), it is replaced/);
    await stopped(box);
  });

  it("not when only a child dies between clone and exec", async () => {
    const box = await shimmed();
    await arm(box, "child");
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(deaths(box)).toEqual([]);
    expect([/got TERM/g, /hook after/g].map((said) => times(box, said))).toEqual([1, 1]);
  });

  it.each(["before-reap", "after-reap"])(
    "in the thread that reaps, %s: the code is the application's",
    async (place) => {
      const box = await shimmed(sh("echo ready; until [ -e end ]; do sleep 0.01; done; exit 42"));
      await arm(box, place);
      await box.inside("touch", join(box.folder, "end"));
      expect(await box.exit).toEqual({ code: 42 });
      expect(deaths(box)).toEqual(["segv"]);
      expect(times(box, /hook after/g)).toBe(1);
    },
  );

  it("inside of the handler that replaces it: then nothing is said", async () => {
    const box = await shimmed();
    await arm(box, "in-handler");
    box.signal("SIGTERM");
    await stopped(box);
    expect(deaths(box)).toEqual([]);
  });

  it.each([
    ["a thread is held by the kernel", "held", {}],
    ["there are too many variables to keep", "abort", variables(300)],
  ])("and cannot be replaced, since %s: the native half waits for the application", async (_, way, env) => {
    const box = await mortal({ config: { ...bare, ...hooks }, words: app, env });
    await box.waitFor(/ready/);
    letDie(box, way);
    await box.waitFor(/the native half forwards signals and waits/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect([/got TERM/g, /hook (before|after)/g].map((said) => times(box, said))).toEqual([1, 0]);
    expect(deaths(box)).toEqual([]);
  });

  it("ten times in a row: three are replaced, then the application is stopped, and its code counts", async () => {
    const box = await mortal({ config: bare, words: app });
    await box.waitFor(/ready/);
    await box.inside("sh", "-c", `echo abort 9 > ${join(box.folder, "boot")}`);
    letDie(box, "abort");
    expect(await box.exit).toEqual({ code: 3 });
    expect(deaths(box)).toHaveLength(3);
    expect([/once too often/g, /got TERM/g].map((said) => times(box, said))).toEqual([1, 1]);
  });
});

/** So many KiB of environment. */
function variables(kib: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: kib }, (_, index) => [`FILL_${index}`, "x".repeat(1024)]));
}
