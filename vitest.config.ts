import { defineConfig } from "vitest/config";

const container = {
  pool: "forks",
  // These tests mostly wait: for programs, servers, deadlines.
  maxWorkers: 4,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  teardownTimeout: 10_000,
} as const;

/**
 * unit: src alone, in memory, fast. e2e: the built dist as PID 1 of namespaces of its own; real programs beside it.
 * long: the same, minutes each. stacks: the examples.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          pool: "forks",
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          ...container,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts", "test/native/**/*.test.ts", "examples/demo/*.test.ts"],
        },
      },
      { test: { ...container, name: "long", include: ["test/long/**/*.test.ts"], testTimeout: 600_000 } },
      { test: { ...container, name: "stacks", include: ["examples/**/*.test.ts"], testTimeout: 300_000 } },
    ],
  },
});
