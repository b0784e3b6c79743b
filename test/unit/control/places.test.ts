import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { likelyPlaces } from "../../../src/control/places.ts";

const launcher = readFileSync(join(import.meta.dirname, "../../../native/launcher_ask.c"), "utf8");

it("looks where it was told first, then at the usual places, which the launcher knows as well", () => {
  const usual = [...launcher.matchAll(/"(\/[^"]*\.socket)"/g)].map(([, path]) => path);
  expect(usual).toHaveLength(4);
  expect(likelyPlaces({})).toEqual(usual);
  expect(likelyPlaces({ CONTAINERPILOT_SOCKET: "" })).toEqual(usual);
  expect(likelyPlaces({ CONTAINERPILOT_SOCKET: "/a b.sock" })).toEqual(["/a b.sock", ...usual]);
});
