/** What the paths of the control socket do, apart from HTTP. */
import { readEnviron, readMetrics } from "./bodies.ts";
import type { ControlHost, Order } from "./host.ts";

/** Status, and what the body says beside it. */
export interface Answer {
  code: 200 | 422 | 503;
  lines?: readonly string[];
  /** The whole body instead. */
  json?: string;
}

export interface Route {
  /** Any method where it is not named. */
  method?: "GET" | "POST";
  answer(body: string): Answer | Promise<Answer>;
}

const DONE: Answer = { code: 200 };
const UNPROCESSABLE: Answer = { code: 422 };

/** The paths of ContainerPilot 3.8.0, and /status. A body that is not needed is ignored. */
export function routesOf(host: ControlHost): ReadonlyMap<string, Route> {
  const order = async (what: Order, refusedAs: 422 | 503): Promise<Answer> => {
    const refusal = await host.order(what);
    return refusal === undefined ? DONE : { code: refusedAs, lines: refusal.lines };
  };
  const take = <T>(values: T | undefined, deed: (values: T) => void): Answer => {
    if (values === undefined) return UNPROCESSABLE;
    deed(values);
    return DONE;
  };
  const maintenance = (on: boolean): Route => ({
    method: "POST",
    answer: () => order({ do: "maintenance", on }, 503),
  });
  return new Map<string, Route>([
    [
      "/v3/environ",
      { method: "POST", answer: (body) => take(readEnviron(body), (pairs) => host.setEnvironment(pairs)) },
    ],
    ["/v3/metric", { method: "POST", answer: (body) => take(readMetrics(body), (values) => host.postMetrics(values)) }],
    ["/v3/reload", { method: "POST", answer: () => order({ do: "reload" }, 422) }],
    ["/v3/maintenance/enable", maintenance(true)],
    ["/v3/maintenance/disable", maintenance(false)],
    ["/v3/ping", { answer: () => DONE }],
    ["/status", { method: "GET", answer: () => ({ code: 200, json: JSON.stringify(host.overview()) }) }],
  ]);
}
