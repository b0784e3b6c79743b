/** One HTTP request: with a deadline, a bounded answer that is known to be whole, or an answer that comes in lines for long. */
import type http from "node:http";
import type { Ms } from "../plan.ts";
import { CatalogError } from "./catalog.ts";
import { cutError, givenUpError, lateError, tooLargeError } from "./http-errors.ts";

const bodyBytesMax = 32 * 1024 * 1024;
const lineBytesMax = 1024 * 1024;

export interface Asking {
  /** Of `node:http` or `node:https`. */
  request: typeof http.request;
  agent: http.Agent;
  url: string;
  method: "GET" | "PUT" | "DELETE";
  /** Sent as a form. */
  form?: Readonly<Record<string, string>>;
  /** To the end of the answer, or to its beginning where it comes in lines; > 0. */
  timeoutMs: Ms;
  signal?: AbortSignal;
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
}

/** Rejects with CatalogError, or with the system's error when there was no answer at all. */
export async function ask(asking: Asking): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const exchange = new Exchange(asking, reject, (response) => {
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= bodyBytesMax) chunks.push(chunk);
        else exchange.fail(tooLargeError(bodyBytesMax));
      });
      response.on("end", () => {
        exchange.over();
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
  });
}

/** An answer that goes on: `take` is given each line of it. */
export interface Lines {
  /** Settles when there will be no more lines: undefined at an orderly end, else why. */
  ended: Promise<Error | undefined>;
}

/** Settles when a 2xx answer has begun; any other is read whole and given instead. Rejects as `ask` does. */
export async function askForLines(asking: Asking, take: (line: string) => void): Promise<Lines | Answer> {
  return new Promise((resolve, reject) => {
    let over: (error: Error | undefined) => void = () => {};
    const ended = new Promise<Error | undefined>((settle) => {
      over = settle;
    });
    let text = "";
    const fail = (error: Error): void => {
      reject(error);
      over(error);
    };
    const exchange = new Exchange(asking, fail, (response) => {
      const { statusCode: status = 0, headers } = response;
      const good = status >= 200 && status <= 299;
      if (good) {
        exchange.stopClock();
        resolve({ ended });
      }
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
        if (text.length > lineBytesMax) exchange.fail(new CatalogError("refused", "a line of the answer has no end"));
        if (!good) return;
        const lines = text.split("\n");
        text = lines.pop() ?? "";
        for (const line of lines) if (line !== "") take(line);
      });
      response.on("end", () => {
        exchange.over();
        resolve({ status, headers, text });
        over(undefined);
      });
    });
  });
}

/** A request and its answer until either has failed or all has come. */
class Exchange {
  readonly #sent: http.ClientRequest;
  readonly #signal: AbortSignal | undefined;
  readonly #failed: (error: Error) => void;
  readonly #giveUp = (): void => this.fail(givenUpError());
  readonly #timer: NodeJS.Timeout;

  constructor(asking: Asking, failed: (error: Error) => void, answered: (response: http.IncomingMessage) => void) {
    const { request, agent, url, method, form, timeoutMs, signal } = asking;
    this.#failed = failed;
    this.#signal = signal;
    const body = form === undefined ? undefined : new URLSearchParams(form).toString();
    const type = body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" };
    this.#timer = setTimeout(() => {
      this.fail(lateError(timeoutMs));
    }, timeoutMs);
    this.#sent = request(url, { method, agent, headers: { "user-agent": "containerpilot", ...type } });
    this.#sent.on("error", (error) => this.fail(error));
    this.#sent.on("response", (response) => {
      response.on("error", () => {
        this.fail(cutError());
      });
      answered(response);
    });
    if (signal?.aborted) this.#giveUp();
    signal?.addEventListener("abort", this.#giveUp, { once: true });
    this.#sent.end(body);
  }

  stopClock(): void {
    clearTimeout(this.#timer);
  }

  over(): void {
    this.stopClock();
    this.#signal?.removeEventListener("abort", this.#giveUp);
  }

  fail(error: Error): void {
    this.over();
    this.#failed(error);
    this.#sent.destroy();
  }
}
