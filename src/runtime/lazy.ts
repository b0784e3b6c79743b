/**
 * Something whose code is loaded when it is first needed, after the application was started. What is asked of it until then
 * waits in order.
 */
export class Lazy<T> {
  readonly #open: () => Promise<T>;
  readonly #failed: (error: unknown) => void;
  #value: T | undefined;
  #waiting: ((value: T) => void)[] = [];
  #loading: Promise<void> | undefined;

  /** @param failed told once; everything that waits is then dropped */
  constructor(open: () => Promise<T>, failed: (error: unknown) => void) {
    this.#open = open;
    this.#failed = failed;
  }

  do(deed: (value: T) => void): void {
    if (this.#value !== undefined) {
      deed(this.#value);
      return;
    }
    this.#waiting.push(deed);
    void this.load();
  }

  /** Loads ahead of the first deed. Settles when nothing waits any more; never rejects. */
  load(): Promise<void> {
    this.#loading ??= this.#begin();
    return this.#loading;
  }

  /** Its code was loaded, or is on its way. */
  get asked(): boolean {
    return this.#loading !== undefined;
  }

  /** Nothing waits: whatever was asked is done. */
  get idle(): boolean {
    return this.#waiting.length === 0;
  }

  async #begin(): Promise<void> {
    try {
      this.#value = await this.#open();
      for (const deed of this.#waiting.splice(0)) deed(this.#value);
    } catch (error) {
      this.#waiting = [];
      this.#failed(error);
    }
  }
}
