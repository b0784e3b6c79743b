import { accessSync, constants, statSync } from "node:fs";

/** Where PATH is not set at all, as execvp(3) has it. */
const PATH_DEFAULT = "/bin:/usr/bin";

export type Found = { file: string } | { errno: "ENOENT" | "EACCES" };

/**
 * The file that a program's name means: with a slash as it is, else the first executable in PATH. As a shell does, a file
 * that is there but may not be executed counts only when no other is found (EACCES instead of ENOENT).
 */
export function findProgram(name: string, path: string | undefined): Found {
  if (name === "") return { errno: "ENOENT" };
  if (name.includes("/")) return { file: name };
  let refused = false;
  for (const directory of (path ?? PATH_DEFAULT).split(":")) {
    const file = directory === "" ? `./${name}` : `${directory}/${name}`;
    try {
      if (!statSync(file).isFile()) continue;
      accessSync(file, constants.X_OK);
      return { file };
    } catch (error) {
      refused ||= (error as NodeJS.ErrnoException).code === "EACCES";
    }
  }
  return { errno: refused ? "EACCES" : "ENOENT" };
}
