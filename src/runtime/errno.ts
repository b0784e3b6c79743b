import { constants } from "node:os";

/** `ENOENT` for 2: the name of an error number, or the number itself where it has none. */
export function errnoName(errno: number): string {
  for (const [name, value] of Object.entries(constants.errno)) if (value === errno) return name;
  return `errno ${errno}`;
}
