import { describe, expect, it } from "vitest";
import { deadWaits } from "../../../src/tools/waits.ts";
import { accepted } from "../config/world.ts";

/** The jobs that nothing starts. */
async function dead(...jobs: object[]): Promise<string[]> {
  const watches = [{ name: "db", interval: 5 }];
  const { plan } = await accepted({ jobs: jobs.map((job) => ({ exec: "x", ...job })), watches }, { words: [] });
  return deadWaits(plan).map(({ job }) => job);
}

const on = (name: string, source: string, once: string, more: object = {}): object => ({
  name,
  when: { source, once },
  ...more,
});
const HEALTH = { exec: "x", interval: 5, ttl: 15 };

describe("what can start", () => {
  it.each<[string, object[], string[]]>([
    [
      "at startup, by signal, in maintenance, at intervals",
      [
        { name: "a" },
        { name: "b", when: { source: "SIGHUP" } },
        on("c", "global", "enterMaintenance"),
        { name: "d", when: { interval: "5s" } },
      ],
      [],
    ],
    ["after what can start", [{ name: "a" }, on("b", "a", "exitSuccess"), on("c", "b", "exitFailed")], []],
    ["on a watch", [on("a", "watch.db", "healthy")], []],
    ["on a check", [{ name: "a", health: HEALTH }, on("b", "check.a", "exitFailed")], []],
    [
      "a circle",
      [on("a", "b", "exitSuccess"), on("b", "c", "exitSuccess"), on("c", "a", "exitSuccess")],
      ["a", "b", "c"],
    ],
    ["itself", [on("a", "a", "healthy", { health: HEALTH })], ["a"]],
    [
      "behind a circle",
      [on("a", "b", "exitSuccess"), on("b", "a", "exitSuccess"), on("c", "a", "exitSuccess")],
      ["a", "b", "c"],
    ],
    ["a circle that ends at the stop", [on("a", "b", "stopped"), on("b", "a", "exitSuccess")], []],
    ["health of one without", [{ name: "a" }, on("b", "a", "healthy")], ["b"]],
    ["health of one with", [{ name: "a", health: HEALTH }, on("b", "a", "healthy")], []],
    ["the end of one without a process", [{ name: "a", exec: null }, on("b", "a", "exitSuccess")], ["b"]],
    ["the time limit of one without", [{ name: "a" }, on("b", "a", "timerExpired")], ["b"]],
    [
      "the time limit of one with",
      [
        { name: "a" },
        { name: "b", when: { source: "a", once: "exitFailed", timeout: "5s" } },
        on("c", "b", "timerExpired"),
      ],
      [],
    ],
    ["what names nothing", [on("a", "nobody", "exitSuccess")], ["a"]],
    ["behind what never starts", [{ name: "a", when: {} }, on("b", "a", "exitSuccess")], ["b"]],
  ])("%s", async (_, jobs, expected) => expect(await dead(...jobs)).toEqual(expected));
});
