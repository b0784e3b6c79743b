/** Problems as lines for people. */
import type { Attempt } from "./load.ts";

export function printLines(attempt: Attempt, { level }: { level: "error" | "warning" }): readonly string[] {
  return attempt.problems
    .filter((problem) => problem.level === level)
    .map((problem) => {
      const path = problem.path.reduce<string>(
        (text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`),
        "",
      );
      return `${attempt.source.name}: ${path}: ${problem.code} ${JSON.stringify({ found: problem.found, ...problem.about })}`;
    });
}
