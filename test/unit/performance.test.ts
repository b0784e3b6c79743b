import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { page, render, resultsFile, soakFile } from "../../bench/render.mjs";

it("docs/performance.md is what the benchmarks said, not edited", () => {
  const [results, soak] = [resultsFile, soakFile].map((file) => JSON.parse(readFileSync(file, "utf8")));
  expect(readFileSync(page, "utf8")).toBe(render(results, soak));
});

it("the page shows every side of every measure, date and machine", () => {
  const rows = [
    { name: "ours", n: 3, median: 123.4, ratio: 2 },
    { name: "theirs", n: 3, median: 1.234, ratio: 1 },
  ];
  const text = render({
    date: "2030-01-02",
    machine: "2 × m",
    load: [0.1, 0.2],
    measures: [{ name: "x", title: "T", unit: "ms", rows }],
  });
  expect(text).toContain("Measured on 2030-01-02: 2 × m, with a load average of 0.1 to 0.2.");
  expect(text).toContain(
    "## T\n\n| side | runs | median | ratio |\n| --- | ---: | ---: | ---: |\n| ours | 3 | 123 ms | 2.00 |\n",
  );
  expect(text).toContain("| theirs | 3 | 1.23 ms | 1.00 |\n");
});
