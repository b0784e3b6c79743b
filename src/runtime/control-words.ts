/** Why the control socket is not where it was wanted. A chunk of its own: it seldom is anywhere else. */
import type { Listening } from "../native/pilot.ts";
import { errnoName } from "./errno.ts";

/** @param before where it was, and stays when there is no other place */
export function notThere(wanted: string, at: Listening, before: string | undefined): string {
  const instead =
    at.fd >= 0 ? `serving at ${at.path} instead` : before === undefined ? "going on without" : `still at ${before}`;
  return `control: ${wanted} ${whyNot(errnoName(at.errno))}; ${instead}`;
}

function whyNot(errno: string): string {
  switch (errno) {
    case "EADDRINUSE":
      return "belongs to another process, which answers there";
    case "ENAMETOOLONG":
      return "is longer than the 107 bytes that a socket's path may have";
    default:
      return `cannot be used (${errno})`;
  }
}
