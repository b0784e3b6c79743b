/** What went wrong between us and an agent, in words. Nothing of a request's headers, where the token is, gets in here. */
import type { Ms } from "../plan.ts";
import { CatalogError, type Failure } from "./catalog.ts";

const excerptMax = 200;

/** Fields of the transport's errors (papi 1.1). */
interface TransportError extends Error {
  code?: string;
  isTimeout?: boolean;
  isAbort?: boolean;
  isResponse?: boolean;
  response?: { statusCode?: number };
}

export function cutError(): CatalogError {
  return new CatalogError("down", "the connection was closed in the middle of the answer");
}

export function tooLargeError(bytes: number): CatalogError {
  return new CatalogError("refused", `the answer is larger than ${bytes} bytes`);
}

/** The error of an answer with another status than 2xx, in the words of Go's client; undefined for any other error. */
export function answerError(error: unknown, body: string): CatalogError | undefined {
  const { isResponse, response } = error as TransportError;
  if (!isResponse) return undefined;
  const status = response?.statusCode ?? 0;
  return new CatalogError(kindOf(status, body), `Unexpected response code: ${status} (${excerpt(body)})`);
}

/** Consul 1.8 says 500 for a check that it does not know, newer ones 404. */
function kindOf(status: number, body: string): Failure {
  if (/does not have associated TTL|Unknown check|Unknown service/i.test(body)) return "lost";
  return status >= 500 || status === 429 ? "down" : "refused";
}

/** One line, without control characters, not long. */
export function excerpt(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, " ").trim();
  return line.length > excerptMax ? `${line.slice(0, excerptMax)}…` : line;
}

/** Whether the other side closed the connection before it answered. */
export function wasReset(error: unknown): boolean {
  return ["ECONNRESET", "EPIPE"].includes((error as TransportError).code ?? "");
}

/** Any error of a call as a CatalogError whose message begins with what was called. */
export function transportError(error: unknown, called: string, timeoutMs: Ms): CatalogError {
  const { code = "", message, isTimeout, isAbort } = error as TransportError;
  if (error instanceof CatalogError) return new CatalogError(error.kind, `${called}: ${message}`);
  if (isTimeout) return new CatalogError("down", `${called}: no answer within ${Math.round(timeoutMs)} ms`);
  if (isAbort) return new CatalogError("down", `${called}: given up`);
  const why = message.replace(/^consul: /, "");
  if (!isAboutCertificate(code)) return new CatalogError("down", `${called}: ${why}`);
  const hint = "set the CA that signed it (tls.cafile), or tls.verify: false to accept any";
  return new CatalogError("refused", `${called}: the agent's certificate is not accepted: ${why}; ${hint}`);
}

/** OpenSSL's verification codes as Node names them, and its own for a name that does not match. */
function isAboutCertificate(code: string): boolean {
  return /^(ERR_TLS_CERT_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|HOSTNAME_MISMATCH)/.test(code);
}
