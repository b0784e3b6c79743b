/**
 * The variables that processes started from now on will see: what the container was given, what the configuration adds
 * (`CONTAINERPILOT_<SERVICE>_IP`) and the pids of what was started (`CONTAINERPILOT_APP_PID`).
 */
export class Environment {
  readonly #variables: Map<string, string>;
  /** `NAME=value` of each. */
  readonly #words = new Map<string, string>();
  /** Those that have been set since, with other values than were given, as members of a JSON object. */
  readonly #changed = new Map<string, string>();
  readonly #given: Readonly<Record<string, string | undefined>>;
  #list: readonly string[] | undefined;

  constructor(given: Readonly<Record<string, string | undefined>>) {
    this.#variables = new Map();
    this.#given = given;
    for (const [name, value] of Object.entries(given)) {
      if (value === undefined) continue;
      this.#variables.set(name, value);
      this.#words.set(name, `${name}=${value}`);
    }
  }

  get(name: string): string | undefined {
    return this.#variables.get(name);
  }

  set(name: string, value: string): void {
    if (this.#variables.get(name) === value) return;
    this.#variables.set(name, value);
    this.#words.set(name, `${name}=${value}`);
    if (this.#given[name] === value) this.#changed.delete(name);
    else this.#changed.set(name, `${JSON.stringify(name)}:${JSON.stringify(value)}`);
    this.#list = undefined;
  }

  /** Takes a variable away, unless it has got another value since. */
  unset(name: string, value: string): void {
    if (this.#variables.get(name) !== value) return;
    for (const map of [this.#variables, this.#words, this.#changed]) map.delete(name);
    this.#list = undefined;
  }

  add(more: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(more)) this.set(name, value);
  }

  /** What has been set since, with other values than were given: a JSON object, put together from what is at hand. */
  changes(): string {
    return `{${[...this.#changed.values()].join()}}`;
  }

  /** A copy, for templates. */
  record(): Record<string, string> {
    return Object.fromEntries(this.#variables);
  }

  /** `NAME=value` each, as execve(2) takes them; `more` for this one process alone. */
  list(more?: Readonly<Record<string, string>>): readonly string[] {
    if (more !== undefined) {
      const own = Object.entries(more).map(([name, value]) => [name, `${name}=${value}`] as const);
      if (own.length > 0) return [...new Map([...this.#words, ...own]).values()];
    }
    this.#list ??= [...this.#words.values()];
    return this.#list;
  }
}
