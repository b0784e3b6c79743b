/** Random calls of the addon with random arguments: each returns or throws, none crashes, hangs, or spoils what follows. */
import type { Pilot, SpawnRequest } from "../../src/native/pilot.ts";

interface Driver {
  say(text: string): void;
  request(run: number, argv: readonly string[]): SpawnRequest;
  begin(): void;
  seed: number;
  calls: number;
}

/** xorshift32 */
function random(seed: number): (below: number) => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const thrower = (): never => {
  throw new RangeError("from a getter");
};

/** What nobody expects anywhere. */
const values: readonly (() => unknown)[] = [
  ...[
    undefined,
    null,
    true,
    0,
    -1,
    1,
    0.5,
    15,
    64,
    65,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    -(2 ** 63),
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ],
  ...["", "x", "a\0b", "\ud800", "x".repeat(5000), "info", "text", "v3", "log", "group", "/", "/bin/true"],
  ...[1n, Symbol("s"), Object.prototype],
].map((value) => () => value);
const made: readonly (() => unknown)[] = [
  () => [],
  () => ["a", "b"],
  () => [1, 2, 3],
  () => [["a", "b"]],
  () => [["nofile", 10, 20]],
  () => new Array(2 ** 32 - 1),
  () => () => {},
  () => ({ length: 2 ** 31 }),
  () => Object.defineProperty([], 0, { get: thrower }),
  () => new Proxy([], { get: thrower }),
  () => new Proxy({}, { get: thrower }),
  () => new Proxy(["a"], {}),
  () => new Uint8Array(8),
  () => new Date(0),
];
const odd = [...values, ...made];

const fields = [
  "run",
  "job",
  "file",
  "argv",
  "env",
  "stdin",
  "stdout",
  "stderr",
  "foreground",
  "fields",
  "attributes",
] as const;
const attributes = [
  "limits",
  "nice",
  "oomScoreAdj",
  "umask",
  "cwd",
  "groups",
  "gid",
  "uid",
  "capabilities",
  "noNewPrivileges",
  "deathSignal",
];

/** All but those that end the process when they are called rightly, with how many arguments they take. */
const methods: Readonly<Record<Exclude<keyof Pilot, "exit" | "park">, number>> = {
  ...{
    boot: 0,
    start: 1,
    drain: 0,
    told: 0,
    remember: 1,
    lastWords: 2,
    spawn: 1,
    spawnFailure: 0,
    signal: 3,
    policy: 3,
  },
  ...{ sweep: 1, swept: 0, orphans: 0, logSettings: 1, log: 3, listen: 2, watch: 1, peer: 1 },
};

export function fuzz(pilot: Pilot, { say, request, begin, seed, calls }: Driver): void {
  const below = random(seed);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const names = Object.keys(methods) as (keyof typeof methods)[];
  let run = 1000;
  /** A right request but for one or two of its parts. */
  const spoilt = (): object => {
    const one: Record<string, unknown> = { ...request(++run, ["/bin/true"]) };
    if (below(2) === 0) one.attributes = { [pick(attributes)]: pick(odd)() };
    for (let i = below(3); i > 0; i--) one[pick(fields)] = pick(odd)();
    return one;
  };
  const settings = (): object => ({
    ...{ level: "info", format: "text", dialect: "v3", fd: 2 },
    [pick(["level", "format", "dialect", "fd"])]: pick(odd)(),
  });
  const counts = { returned: 0, TypeError: 0, other: 0 };
  const unexpected = new Set<string>();
  const one = (): void => {
    const name = pick(names);
    const words = Array.from({ length: below(2) === 0 ? methods[name] : below(5) }, () => pick(odd)());
    if (name === "spawn" && below(4) > 0) words[0] = spoilt();
    if (name === "logSettings" && below(2) > 0) words[0] = settings();
    try {
      (pilot[name] as (...words: unknown[]) => unknown)(...words);
      counts.returned++;
    } catch (error) {
      if (error instanceof TypeError) counts.TypeError++;
      else counts.other++;
      // What a getter throws is passed on; all else of the addon's own is a TypeError, but for what it says of its state.
      if (!(error instanceof TypeError) && !(error instanceof RangeError)) unexpected.add(`${name}: ${String(error)}`);
    }
  };
  for (let i = 0; i < calls / 2; i++) one();
  try {
    begin();
  } catch {
    // Some call has started it.
  }
  for (let i = 0; i < calls / 2; i++) {
    one();
    // The table is to have room, so that calls come as far as they can.
    if (i % 50 === 0) pilot.drain();
  }
  for (const call of [
    () => pilot.exit("3" as unknown as number),
    () => pilot.exit(2 ** 40),
    () => pilot.park(7 as unknown as string),
  ]) {
    try {
      call();
    } catch {
      counts.TypeError++;
    }
  }
  say(`unexpected: ${[...unexpected].join("; ")}`);
  say(`all: ${counts.returned + counts.TypeError + counts.other}`);
  const deadline = Date.now() + 20_000;
  let ended = false;
  pilot.spawn({ ...request(999_999, ["/bin/sh", "-c", "exit 7"]), file: "/bin/sh" });
  while (!ended && Date.now() < deadline) {
    for (const event of pilot.drain()) if (event.t === "exited" && event.run === 999_999) ended = event.code === 7;
    pilot.told();
  }
  say(`good: ${ended}`);
  pilot.exit(0);
}
