/** Commands as both originals read them: no shell, no quotes. */
import { goText } from "./gotext.ts";

/**
 * The words of a command, or undefined for one without any. Text is trimmed and split at every single space, so two spaces
 * make an empty word and quotes stay what they are; the items of a list are taken as they are, printed as Go prints them.
 */
export function parseCommand(value: unknown): readonly string[] | undefined {
  if (typeof value === "string") return value === "" ? undefined : value.trim().split(" ");
  if (Array.isArray(value) && value.length > 0) {
    return value.map((item) => (typeof item === "string" ? item : goText(item)));
  }
  return undefined;
}
