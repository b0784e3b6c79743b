/**
 * The variables that processes started from now on will see: what the container was given, what the configuration adds
 * (`CONTAINERPILOT_<SERVICE>_IP`) and the pids of what was started (`CONTAINERPILOT_APP_PID`).
 */
export class Environment {
  readonly #variables: Map<string, string>;
  readonly #given: Readonly<Record<string, string | undefined>>;
  #list: readonly string[] | undefined;

  constructor(given: Readonly<Record<string, string | undefined>>) {
    this.#variables = new Map();
    this.#given = given;
    for (const [name, value] of Object.entries(given)) if (value !== undefined) this.#variables.set(name, value);
  }

  get(name: string): string | undefined {
    return this.#variables.get(name);
  }

  set(name: string, value: string): void {
    this.#variables.set(name, value);
    this.#list = undefined;
  }

  /** Takes a variable away, unless it has got another value since. */
  unset(name: string, value: string): void {
    if (this.#variables.get(name) !== value) return;
    this.#variables.delete(name);
    this.#list = undefined;
  }

  add(more: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(more)) this.set(name, value);
  }

  /** What has been set since, with other values than were given. */
  changes(): Record<string, string> {
    return Object.fromEntries([...this.#variables].filter(([name, value]) => this.#given[name] !== value));
  }

  /** A copy, for templates. */
  record(): Record<string, string> {
    return Object.fromEntries(this.#variables);
  }

  /** `NAME=value` each, as execve(2) takes them; `more` for this one process alone. */
  list(more?: Readonly<Record<string, string>>): readonly string[] {
    if (more !== undefined && Object.keys(more).length > 0) {
      return Object.entries({ ...this.record(), ...more }).map(([name, value]) => `${name}=${value}`);
    }
    this.#list ??= [...this.#variables].map(([name, value]) => `${name}=${value}`);
    return this.#list;
  }
}
