/**
 * Signals this soon after the first are the same wish: npm passes Ctrl-C on to a program that the terminal has sent it to
 * already.
 */
const SAME_WISH_MS = 300;
const SIGNALS = ["SIGTERM", "SIGINT"] as const;
/** What a shell reports for a process that a signal ended: 128 and the signal's number. */
const EXIT_CODES = { SIGTERM: 143, SIGINT: 130 };

/**
 * Listens for the wish to stop: a signal, or the end of a parent process that holds a channel to this one. A second
 * signal ends the process at once.
 */
export class StopRequest {
  readonly #stopping = new AbortController();
  readonly #external: AbortSignal;
  #firstSignalMs: number | undefined;
  /** Resolves when the wish came. */
  readonly requested: Promise<void>;

  constructor(external: AbortSignal) {
    this.#external = external;
    this.requested = new Promise((resolve) => {
      this.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    external.addEventListener("abort", this.#onAbort, { once: true });
    if (process.channel !== undefined) process.once("disconnect", this.#onAbort);
  }

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Stops listening, so that nothing keeps the process alive. */
  close(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    this.#external.removeEventListener("abort", this.#onAbort);
    process.off("disconnect", this.#onAbort);
    if (process.connected) process.disconnect();
  }

  readonly #onAbort = (): void => this.#stopping.abort();

  readonly #onSignal = (signal: (typeof SIGNALS)[number]): void => {
    const now = performance.now();
    this.#firstSignalMs ??= now;
    if (now - this.#firstSignalMs > SAME_WISH_MS) process.exit(EXIT_CODES[signal]);
    this.#stopping.abort();
  };
}
