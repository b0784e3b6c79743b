/** Random configurations: of the right shape, with wrong values here and there. */
import fc from "fast-check";

/** Anything at all. */
const VALUE: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>("", " ", "web", "5s", "-1", 0, 1, -1, 1.5, 1e300, true, false, null, [], {}, [null], "eth0"),
  fc.constantFrom<unknown>("unlimited", "healthy", "global", "SIGHUP", "watch.db", ["a", 5], { a: 1 }, "10m", "debug"),
  fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text) as unknown),
);

/** Values that fit one kind or another, so that not everything is refused. */
const GOOD = {
  name: fc.constantFrom("web", "db", "my-service", "Odd_Name", 5),
  number: fc.constantFrom<unknown>(1, 5, "10", "0x50", true, 80, 7.5),
  command: fc.constantFrom<unknown>("/bin/x", "a b", ["a", 5, null], "x | y", " "),
  span: fc.constantFrom<unknown>("5s", 5, "1500ms", "10", "1h10m", true, ""),
  texts: fc.constantFrom<unknown>(["a"], [], {}, ["b", 1.5, null], null),
  interfaces: fc.constantFrom<unknown>("eth0", ["inet"], ["static:10.0.0.1", "inet6"], []),
  restarts: fc.constantFrom<unknown>(0, 3, "unlimited", "never", "2"),
  bool: fc.constantFrom<unknown>(true, false, 0, "true", "", null),
} as const;

type Good = keyof typeof GOOD;

/** Mostly what fits, sometimes anything; keys mostly as they are, sometimes in another case. */
function shape(
  keys: Readonly<Record<string, Good | fc.Arbitrary<unknown>>>,
  required: readonly string[] = [],
): fc.Arbitrary<unknown> {
  const fields = Object.entries(keys).map(([key, kind]) => {
    const good = typeof kind === "string" ? GOOD[kind] : kind;
    return [key, fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: VALUE })] as const;
  });
  const record = fc.record(Object.fromEntries(fields), { requiredKeys: [...required] });
  const odd = fc.tuple(record, fc.constantFrom("upper", "extra"), VALUE).map(([value, how, extra]) => {
    const pairs = Object.entries(value as object);
    if (how === "upper") return Object.fromEntries(pairs.map(([key, item]) => [key.toUpperCase(), item]));
    return Object.fromEntries([...pairs, ["extra", extra]]);
  });
  return fc.oneof({ weight: 12, arbitrary: record }, { weight: 2, arbitrary: odd }, { weight: 1, arbitrary: VALUE });
}

const list = (item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => fc.array(item, { maxLength: 3 });

const SHARED = {
  consul: fc.constantFrom<unknown>("consul:8500", {}, { address: "x:1", scheme: "https", token: "t" }),
  logging: shape({ level: fc.constantFrom("DEBUG", "warn", ""), format: fc.constantFrom("json", "Text") }),
  stopTimeout: "number",
  signals: fc.constantFrom<unknown>({ SIGHUP: "stop" }, { quit: "ignore", "RTMIN+1": "event" }, { SIGX: "stop" }),
  stop: shape({ within: "span", drain: "span", grace: "span", strays: "span" }),
} as const;

const CONSUL = shape({
  enableTagOverride: "bool",
  deregisterCriticalServiceAfter: fc.constantFrom("10m", "1h"),
});

export const V2 = shape({
  ...SHARED,
  preStart: "command",
  postStop: "command",
  services: list(
    shape(
      {
        name: "name",
        port: "number",
        poll: "number",
        ttl: "number",
        health: "command",
        timeout: "span",
        interfaces: "interfaces",
        tags: "texts",
        consul: CONSUL,
        publicIp: "bool",
      },
      ["name", "port", "poll", "ttl"],
    ),
  ),
  backends: list(
    shape({ name: "name", poll: "number", onChange: "command", timeout: "span", tag: "name" }, [
      "name",
      "poll",
      "onChange",
    ]),
  ),
  tasks: list(
    shape({ name: "name", command: "command", frequency: "span", timeout: "span" }, ["command", "frequency"]),
  ),
  coprocesses: list(shape({ name: "name", command: "command", restarts: "restarts" }, ["command"])),
  telemetry: shape({ port: "number", tags: "texts", interfaces: "texts" }),
});

export const V3 = shape({
  ...SHARED,
  jobs: list(
    shape(
      {
        name: "name",
        exec: "command",
        restarts: "restarts",
        port: "number",
        timeout: fc.constantFrom("5s", "1ms"),
        stopTimeout: "span",
        interfaces: "interfaces",
        tags: "texts",
        initial_status: fc.constantFrom("passing", "critical", ""),
        consul: shape({ deregisterCriticalServiceAfter: fc.constantFrom("10m") }, ["deregisterCriticalServiceAfter"]),
        when: shape({
          source: fc.constantFrom("web", "SIGHUP", "global"),
          once: fc.constantFrom("healthy", "startup", ""),
        }),
        health: shape({ exec: "command", interval: "number", ttl: "number", timeout: "span" }, ["interval", "ttl"]),
        main: "bool",
        essential: "bool",
        backoff: fc.constantFrom<unknown>(false, {}, { min: "1s", factor: 2 }),
      },
      ["name", "health"],
    ),
  ),
  watches: list(
    shape({ name: fc.constantFrom("db", "cache"), interval: "number", tag: "name", dc: "name" }, ["name", "interval"]),
  ),
  control: fc.constantFrom<unknown>({}, { socket: "/run/x" }),
  exit: fc.constantFrom<unknown>({}, { of: "zero", map: { 143: 0 } }),
  reload: fc.constantFrom("all", "changed"),
  telemetry: shape({ port: "number", tags: "texts", interfaces: "texts" }),
});
