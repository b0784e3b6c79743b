import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Log } from "./metrics.ts";
import { CONTENT_TYPE } from "./render.ts";

/** What is served just now. */
export interface View {
  path: string;
  render(): Promise<string>;
  /** The document under /status; there is none without it. */
  status: (() => string) | undefined;
}

const STATUS_PATH = "/status";
const TEXT = "text/plain; charset=utf-8";

/**
 * The metrics at the view's path, by whatever method, and the status by GET alone, as ContainerPilot 3 has both; nothing (404)
 * elsewhere, and while there is no view.
 */
export function serve(view: () => View | undefined, log: Log): RequestListener {
  /** One rendering serves all requests that come while it is made: a pipeline of a thousand costs no more than one. */
  let rendering: Promise<Buffer> | undefined;
  const body = (render: View["render"]): Promise<Buffer> => {
    rendering ??= render()
      .then((text) => Buffer.from(text))
      .finally(() => {
        rendering = undefined;
      });
    return rendering;
  };
  return (request, response) => {
    // A body says nothing to us. Rather than read it, the connection ends with the response.
    if (hasBody(request)) response.setHeader("Connection", "close");
    const current = view();
    const path = pathOf(request.url ?? "");
    if (current?.status !== undefined && path === STATUS_PATH) {
      sendStatus(request, response, current.status);
      return;
    }
    if (current === undefined || path !== current.path) {
      send(response, 404, TEXT, Buffer.from("404 page not found\n"));
      return;
    }
    body(current.render)
      .then((text) => sendMetrics(request, response, text))
      .catch((error: unknown) => {
        log("error", `telemetry: cannot render the metrics: ${error instanceof Error ? error.message : error}`);
        send(response, 500, TEXT, Buffer.from("the metrics cannot be rendered\n"));
      });
  };
}

function sendStatus({ method }: IncomingMessage, response: ServerResponse, status: () => string): void {
  if (method === "GET") send(response, 200, "application/json", Buffer.from(`${status()}\n`));
  else {
    response.setHeader("Allow", "GET");
    send(response, 405, TEXT, Buffer.from("Method Not Allowed\n"));
  }
}

async function sendMetrics(request: IncomingMessage, response: ServerResponse, text: Buffer): Promise<void> {
  if (!acceptsGzip(request.headers["accept-encoding"])) {
    send(response, 200, CONTENT_TYPE, text);
    return;
  }
  const { constants, gzipSync } = await import("node:zlib");
  response.setHeader("Content-Encoding", "gzip");
  // Some kilobytes: done at once, where the asynchronous call would start libuv's four threads, which then stay.
  send(response, 200, CONTENT_TYPE, gzipSync(text, { level: constants.Z_BEST_SPEED }));
}

function send(response: ServerResponse, status: number, type: string, body: Buffer): void {
  response.writeHead(status, {
    "Content-Type": type,
    ...(status !== 200 && { "X-Content-Type-Options": "nosniff" }),
    "Content-Length": body.length,
  });
  response.end(body);
}

/** The path of a request's target, which a proxy may write with scheme and host (RFC 9112, 3.2.2). */
function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/?]*/i, "").replace(/\?.*$/s, "");
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

/** Whether the list names gzip without a weight of 0 (RFC 9110, 12.5.3). */
function acceptsGzip(header: string | string[] | undefined): boolean {
  return String(header ?? "")
    .split(",")
    .some((coding) => /^\s*gzip\s*(?:;|$)/i.test(coding) && !/;\s*q=0(?:\.0*)?\s*$/i.test(coding));
}
