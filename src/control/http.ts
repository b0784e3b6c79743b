/** HTTP over the control socket. A chunk of its own, loaded with the first connection: most containers never see one. */
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ControlHost } from "./host.ts";
import { type Answer, type Route, routesOf } from "./routes.ts";

export interface HttpLimits {
  /** Longest request head; beyond it the answer is 431. */
  headBytesMax: number;
  /** Longest body; beyond it the answer is 413. */
  bodyBytesMax: number;
  /** How long a body that nobody wants is still taken, so that its sender sees the answer and no broken pipe. */
  lingerMs: number;
}

/** Of a route, or of the protocol. */
type Answered = Omit<Answer, "code"> & { code: number };

/** setTimeout and setInterval take no more. */
const NEVER_MS = 2 ** 31 - 1;

/** Status texts as Go writes them. */
const TEXTS: Readonly<Record<number, string>> = {
  404: "404 page not found",
  405: "Method Not Allowed",
  413: "Request Entity Too Large",
  422: "Unprocessable Entity",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** A server that listens nowhere: connections are handed to it (event `connection`). Time limits are the caller's. */
export function createHttp(host: ControlHost, limits: HttpLimits): Server {
  const routes = routesOf(host);
  const server = createServer({
    maxHeaderSize: limits.headBytesMax,
    connectionsCheckingInterval: NEVER_MS,
    headersTimeout: 0,
    requestTimeout: 0,
    keepAliveTimeout: 0,
  });
  // Not in Node's types: a client that has closed its half is answered all the same.
  Object.assign(server, { httpAllowHalfOpen: true });
  // To Node a CONNECT is no request like others; to Go it is one of a method that nobody takes.
  server.on("connect", (request, socket: Socket) => {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once("finish", () => socket.end());
    server.emit("request", request, response);
  });
  server.on("request", (request, response) => {
    const path = pathOf(request.url ?? "");
    const route = routes.get(path);
    respond(route, request, limits).then(
      (answer) => {
        if (answer === undefined) return;
        if (route !== undefined) host.answered(path, answer.code);
        send(request, response, answer, route, limits);
      },
      (error: unknown) => {
        host.log("error", `control: ${path}: ${error instanceof Error ? error.message : error}`);
        send(request, response, { code: 500 }, route, limits);
      },
    );
  });
  return server;
}

/** undefined: the client has gone before its request was whole. */
async function respond(
  route: Route | undefined,
  request: IncomingMessage,
  { bodyBytesMax }: HttpLimits,
): Promise<Answered | undefined> {
  if (route === undefined) return { code: 404 };
  if (route.method !== undefined && request.method !== route.method) return { code: 405 };
  const body = await bodyOf(request, bodyBytesMax);
  if (typeof body === "string") return body === "tooLong" ? { code: 413 } : undefined;
  return route.answer(body.toString());
}

/** The whole body, unless it is too long (by its own word or in fact) or the client leaves. */
function bodyOf(request: IncomingMessage, bytesMax: number): Promise<Buffer | "tooLong" | "cut"> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) return Promise.resolve("tooLong");
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    request.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes <= bytesMax) parts.push(part);
      else {
        parts.length = 0;
        resolve("tooLong");
      }
    });
    request.once("end", () => resolve(Buffer.concat(parts)));
    request.once("error", () => resolve("cut"));
    request.once("close", () => resolve("cut"));
  });
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { code, lines = [], json }: Answered,
  route: Route | undefined,
  { lingerMs }: HttpLimits,
): void {
  const body = Buffer.from(`${json ?? [TEXTS[code] ?? "", ...lines].join("\n")}\n`);
  response.writeHead(code, code === 413 ? TEXTS[code] : undefined, {
    "Content-Type": json === undefined ? "text/plain; charset=utf-8" : "application/json",
    ...(code !== 200 && { "X-Content-Type-Options": "nosniff" }),
    ...(code === 405 && { Allow: route?.method }),
    "Content-Length": body.length,
    Connection: "close",
  });
  if (request.complete) {
    response.end(body);
    return;
  }
  // The client still sends. It has the whole answer now, and the connection ends when it has seen it, or soon anyway.
  response.write(body);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  request.once("end", end);
  request.once("close", end);
  request.resume();
}

/** The path of a request's target, which a proxy may write with scheme and host (RFC 9112, 3.2.2), and any client escaped. */
function pathOf(target: string): string {
  const path = target.replace(/^https?:\/\/[^/?]*/i, "").replace(/[?#].*$/s, "");
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
