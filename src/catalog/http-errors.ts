/** What went wrong between us and a server, in words. Nothing of a request's headers, where a token is, gets in here. */
import type { Ms } from "../plan.ts";
import { CatalogError } from "./catalog.ts";

const excerptMax = 200;

/** Node's errors, and those of the `consul` package's transport (papi 1.1). */
interface TransportError extends Error {
  code?: string;
  isTimeout?: boolean;
  isAbort?: boolean;
}

export function cutError(): CatalogError {
  return new CatalogError("down", "the connection was closed in the middle of the answer");
}

export function tooLargeError(bytes: number): CatalogError {
  return new CatalogError("refused", `the answer is larger than ${bytes} bytes`);
}

export function lateError(ms: Ms): CatalogError {
  return new CatalogError("down", `no answer within ${Math.round(ms)} ms`);
}

export function givenUpError(): CatalogError {
  return new CatalogError("down", "given up");
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

/**
 * Any error of a call as a CatalogError whose message begins with what was called. `hint`: what to do about a certificate
 * that is not accepted.
 */
export function transportError(error: unknown, called: string, timeoutMs: Ms, hint: string): CatalogError {
  const { kind, message } = inWords(error as TransportError, timeoutMs, hint);
  return new CatalogError(kind, `${called}: ${message}`);
}

function inWords(error: TransportError, timeoutMs: Ms, hint: string): CatalogError {
  if (error instanceof CatalogError) return error;
  const { code = "", message, isTimeout, isAbort } = error;
  if (isTimeout) return lateError(timeoutMs);
  if (isAbort) return givenUpError();
  const why = message.replace(/^consul: /, "");
  if (!isAboutCertificate(code)) return new CatalogError("down", why);
  return new CatalogError("refused", `the server's certificate is not accepted: ${why}; ${hint}`);
}

/** OpenSSL's verification codes as Node names them, and its own for a name that does not match. */
function isAboutCertificate(code: string): boolean {
  return /^(ERR_TLS_CERT_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|HOSTNAME_MISMATCH)/.test(code);
}
