import { expect, it, vi } from "vitest";
import type { Core } from "../../../src/core/contract.ts";
import { Inputs } from "../../../src/runtime/inputs.ts";

const clock = vi.hoisted(() => ({ at: 1000 }));
/** Each look sees it later. */
vi.mock("../../../src/runtime/clock.ts", () => ({ now: () => ++clock.at }));

/** A core of which only the deadline is asked. */
const coreAt = (deadline: number | undefined): Core => ({ deadline: () => deadline }) as Core;
const PAST = 0;
const LATER = Number.MAX_SAFE_INTEGER;

const exited = (run: number) => ({ t: "exited", run, how: { code: 0 }, by: "itself" }) as const;

it("numbers what comes, one after another with the facts between them", () => {
  const inputs = new Inputs();
  inputs.put(exited(1));
  inputs.putFirst(exited(0));
  expect(inputs.take(coreAt(undefined))?.input).toMatchObject({ id: 1, run: 0 });
  inputs.used(7);
  expect(inputs.take(coreAt(undefined))?.input).toMatchObject({ id: 8, run: 1 });
  expect(inputs.take(coreAt(undefined))).toBeUndefined();
});

it("lets a deadline that has passed wait for all that happened before anybody looked", () => {
  const inputs = new Inputs();
  const { at: booted } = inputs.number(exited(0));
  const moments: (number | undefined)[] = [];
  for (const runs of inputs.handfuls([...Array(40).keys()], true)) {
    for (const run of runs) inputs.put(exited(run));
    for (const _ of runs) moments.push(inputs.take(coreAt(PAST))?.at);
  }
  expect(moments).toEqual(Array(40).fill(booted));
  inputs.put({ t: "wake" });
  expect(inputs.take(coreAt(PAST))?.at).toBeGreaterThan(booted);
});

it("keeps to the clock while no deadline has passed", () => {
  const inputs = new Inputs();
  const { at: booted } = inputs.number(exited(0));
  inputs.put(exited(1));
  inputs.put(exited(2));
  expect(inputs.take(coreAt(LATER))?.at).toBeGreaterThan(booted);
});
