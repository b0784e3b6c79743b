import { afterAll, onTestFailed, onTestFinished } from "vitest";

const leftovers: (() => Promise<unknown> | unknown)[] = [];

/** Undone when the test ends; outside a test (beforeAll), when the file's tests have all ended. Newest first. */
export function cleanUp(undo: () => Promise<unknown> | unknown): void {
  try {
    onTestFinished(async () => void (await undo()));
  } catch {
    leftovers.push(undo);
  }
}

/** What a failed test has to say, beyond its assertion. */
export function onFailure(tell: () => string): void {
  try {
    // The reporter's stream, not a log: it belongs to the failure.
    onTestFailed(() => void process.stderr.write(`${tell()}\n`));
  } catch {
    // Outside a test: nothing of its own can fail there.
  }
}

afterAll(async () => {
  for (const undo of leftovers.splice(0).reverse()) await undo();
});
