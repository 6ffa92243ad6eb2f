/** Lets a bounded number of operations run; the rest wait in the order in which they came. */
export class InFlightGate {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #onIdle: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Waits for a place, which must be given back with `leave`. Throws the signal's reason, and when the gate is closed. */
  async enter(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closed !== undefined) throw new Error("the client was closed");
    if (this.#running < this.#limit) {
      this.#running += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const admit = () => {
        signal?.removeEventListener("abort", abandon);
        resolve();
      };
      const abandon = () => {
        this.#waiting.splice(this.#waiting.indexOf(admit), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", abandon, { once: true });
      this.#waiting.push(admit);
    });
  }

  leave(): void {
    const next = this.#waiting.shift();
    // The place passes on without being free in between.
    if (next !== undefined) return next();
    this.#running -= 1;
    if (this.#running === 0) this.#onIdle?.();
  }

  /** Lets nobody in who comes from now on; resolves when those who came before are through. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      if (this.#running === 0) resolve();
      else this.#onIdle = resolve;
    });
    return this.#closed;
  }
}
