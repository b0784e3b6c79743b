/** The environment that a tool renders and checks a configuration in. */
import { readFileSync } from "node:fs";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentOptions {
  /** Files of `NAME=VALUE` lines. */
  envFile: readonly string[];
  /** `NAME=VALUE` pairs, or names alone for the variable as it is here. */
  env: readonly string[];
  /** false: the variables here do not count. */
  inherit: boolean;
}

/** What is wrong with an option: shown after `cpctl: `. Known by its name, as every chunk has a class of its own. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Our own variables, then the files', then the pairs': the later wins. */
export function environmentOf({ envFile, env, inherit }: EnvironmentOptions, own: Environment): Environment {
  const made: Record<string, string | undefined> = inherit ? { ...own } : {};
  const put = (pair: string, where: string): void => {
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (!/^[^\s=]+$/.test(name)) throw new UsageError(`${where}: ${JSON.stringify(pair)} is no NAME=VALUE`);
    const value = equals < 0 ? own[name] : pair.slice(equals + 1);
    if (value !== undefined) made[name] = value;
  };
  for (const path of envFile) {
    readLines(path).forEach((line, index) => {
      if (line.trim() !== "" && !line.startsWith("#")) put(line, `${path}:${index + 1}`);
    });
  }
  for (const pair of env) put(pair, "--env");
  return made;
}

/** As container engines read them: no quotes, no expansion, a value is everything behind the first `=`. */
function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split(/\r?\n/);
  } catch (error) {
    throw new UsageError(`${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
