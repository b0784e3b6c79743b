/** Asks a running containerpilot over its control socket. */
import { lstatSync } from "node:fs";
import { request } from "node:http";

export interface Question {
  method: "GET" | "POST";
  path: string;
  /** JSON. */
  body?: string;
}

export interface Answered {
  code: number;
  /** What it says, the status' own words left out; empty for a mere yes. */
  lines: readonly string[];
}

/** Nobody answers at a place; the next one may do. */
const NOBODY = new Set(["ENOENT", "ECONNREFUSED", "EACCES", "ENOTDIR", "ENOTSOCK", "EPERM"]);

/** A reload is answered when the configuration is read, everything else at once. */
const DEADLINE_MS = 30_000;
const ANSWER_BYTES_MAX = 1024 * 1024;

/**
 * Asks at the first of these places where somebody answers; undefined: nobody does. Rejects with an Error to be shown when
 * one that took the question did not answer it.
 */
export async function askFirst(places: readonly string[], question: Question): Promise<Answered | undefined> {
  for (const place of places) {
    if (!isTrusted(place)) continue;
    try {
      return await ask(place, question);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined || !NOBODY.has(code)) throw new Error(`${place}: ${message}`);
    }
  }
  return undefined;
}

/** Whoever can make a file in /tmp could listen there and be told secrets: only PID 1's, root's and our own are asked. */
function isTrusted(place: string): boolean {
  const owner = ownerOf(place);
  return owner !== undefined && (owner === 0 || owner === process.geteuid?.() || owner === ownerOf("/proc/1"));
}

function ownerOf(path: string): number | undefined {
  try {
    return lstatSync(path).uid;
  } catch {
    return undefined;
  }
}

function ask(socketPath: string, { method, path, body = "" }: Question): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = { Host: "control", "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    const asked = request({ socketPath, method, path, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on("data", (part: Buffer) => {
        bytes += part.length;
        if (bytes <= ANSWER_BYTES_MAX) parts.push(part);
      });
      response.once("error", reject);
      response.once("end", () => {
        clearTimeout(timer);
        resolve({ code: response.statusCode ?? 0, lines: linesOf(Buffer.concat(parts).toString()) });
      });
    });
    const timer = setTimeout(() => {
      asked.destroy(new Error(`no answer within ${DEADLINE_MS / 1000} seconds`));
    }, DEADLINE_MS);
    asked.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    asked.end(body);
  });
}

function linesOf(body: string): readonly string[] {
  return body.split("\n").filter((line) => line !== "");
}
