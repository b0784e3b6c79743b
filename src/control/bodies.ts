/**
 * Request bodies as Go's `encoding/json` takes them. Undefined: it would refuse them, or they are no JSON object. `null` is an
 * empty object; of a repeated key the last value counts.
 */

/** The body of `/v3/environ`: names and values; a null value is empty. */
export function readEnviron(body: string): ReadonlyMap<string, string> | undefined {
  const entries = entriesOf(body);
  if (entries === undefined) return undefined;
  const read = new Map<string, string>();
  for (const [name, value] of entries) {
    if (typeof value !== "string" && value !== null) return undefined;
    read.set(name, value ?? "");
  }
  return read;
}

/** The body of `/v3/metric`: keys and values, whatever their type, as Go prints them. */
export function readMetrics(body: string): ReadonlyMap<string, string> | undefined {
  const entries = entriesOf(body);
  if (entries === undefined) return undefined;
  try {
    return new Map(entries.map(([key, value]) => metricOf(`${key}|${printed(value)}`)));
  } catch {
    // A number beyond the range of a double, or nesting without end.
    return undefined;
  }
}

/** ContainerPilot 3.8.0 handed key and value on as one text and split it again, so what follows a second `|` is lost. */
function metricOf(event: string): [key: string, value: string] {
  const [key = "", value = ""] = event.split("|");
  return [key, value];
}

function entriesOf(body: string): [string, unknown][] | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (value === null) return [];
    return typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : undefined;
  } catch {
    return undefined;
  }
}

/** Go's `%v`; a number as it is read back, whatever its notation. */
function printed(value: unknown): string {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new RangeError("no double holds it");
    return String(value);
  }
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(printed).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${pairs.map(([key, each]) => `${key}:${printed(each)}`).join(" ")}]`;
}
