/** The user's own metrics, the same in both dialects. */
import type { Sensor } from "../plan.ts";
import type { Context } from "./context.ts";
import type { Path } from "./problems.ts";

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

interface Metric {
  at: Path;
  namespace: string;
  subsystem: string;
  name: string;
  help: string;
  type: Sensor["type"];
}

/**
 * The metric with its full name, which must be one that Prometheus takes, with a help text. A second metric of one name must
 * be of the same type and help, and is then the same metric; a name of ours is refused.
 */
export function checkMetric(
  { at, namespace, subsystem, name, help, type }: Metric,
  known: ReadonlyMap<string, Sensor>,
  { problems }: Context,
): Sensor | undefined {
  const full = name === "" ? "" : [namespace, subsystem, name].filter((part) => part !== "").join("_");
  const before = problems.list.length;
  if (!NAME.test(full)) problems.error("bad-metric", [...at, "name"], { found: full });
  if (/^process_|^reaped_orphans_total$|^containerpilot_(events|control_http_requests|watch_instances)$/.test(full)) {
    problems.error("bad-metric", [...at, "name"], { found: full, about: { ours: true } });
  }
  if (help === "") problems.error("missing", [...at, "help"], { about: { kind: { t: "text" } } });
  const other = known.get(full);
  if (other && (other.help !== help || other.type !== type)) {
    problems.error("same-metric", [...at, "name"], { found: full });
  }
  return problems.list.length > before ? undefined : { name: full, help, type };
}
