import { expect, it } from "vitest";
import type { Health } from "../../../src/core/contract.ts";
import { statusOf } from "../../../src/runtime/status.ts";
import { accepted } from "../config/world.ts";

const health = { exec: "true", interval: 1, ttl: 5 };

it("lists jobs without a service, services and watches in the configuration's order", async () => {
  const { deeds } = await accepted(
    {
      consul: "consul:8500",
      jobs: [
        { name: "web", exec: "x", port: 80, interfaces: "static:10.1.2.3", health },
        { name: "a", exec: "x", health },
        { name: "b", exec: "x" },
      ],
      watches: [
        { name: "db", interval: 1 },
        { name: "cache", interval: 1 },
      ],
      telemetry: { port: 9090, interfaces: ["static:10.1.2.3"] },
    },
    { words: [], version: "1.2.3" },
  );
  const known: Record<string, Health> = { web: "unhealthy", a: "maintenance" };
  const status = statusOf(deeds, (job) => known[job]);
  expect(JSON.stringify(status)).toBe(
    JSON.stringify({
      Version: "1.2.3",
      Jobs: [
        { Name: "a", Status: "maintenance" },
        { Name: "b", Status: "unknown" },
      ],
      Services: [
        { Name: "web", Address: "10.1.2.3", Port: 80, Status: "unhealthy" },
        { Name: "containerpilot", Address: "10.1.2.3", Port: 9090, Status: "healthy" },
      ],
      Watches: ["db", "cache"],
    }),
  );
});

it("has null for what there is none of", async () => {
  const { deeds } = await accepted(
    { consul: "consul:8500", jobs: [], telemetry: { port: 0, interfaces: ["static:10.1.2.3"] } },
    { words: [], version: "" },
  );
  expect(statusOf(deeds, () => undefined)).toEqual({
    Version: "",
    Jobs: [{ Name: "containerpilot", Status: "healthy" }],
    Services: null,
    Watches: null,
  });
});
