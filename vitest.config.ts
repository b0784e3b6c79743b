import { defineConfig } from "vitest/config";

/** unit: src alone, in memory, fast. e2e: the built dist as PID 1 of namespaces of its own; real programs beside it. */
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
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          pool: "forks",
          maxWorkers: 2,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          teardownTimeout: 10_000,
        },
      },
    ],
  },
});
