import { listenForInterrupt } from "../interrupt.js";

/**
 * Listens for the wish to stop: a signal, or the end of a parent process that holds a channel to this one. A second
 * signal ends the process at once.
 */
export class StopRequest {
  readonly #stopping = new AbortController();
  readonly #external: AbortSignal;
  readonly #stopListening: () => void;
  /** Resolves when the wish came. */
  readonly requested: Promise<void>;

  constructor(external: AbortSignal) {
    this.#external = external;
    this.requested = new Promise((resolve) => {
      this.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.#stopListening = listenForInterrupt(this.#onAbort);
    external.addEventListener("abort", this.#onAbort, { once: true });
    if (process.channel !== undefined) process.once("disconnect", this.#onAbort);
  }

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Stops listening, so that nothing keeps the process alive. */
  close(): void {
    this.#stopListening();
    this.#external.removeEventListener("abort", this.#onAbort);
    process.off("disconnect", this.#onAbort);
    if (process.connected) process.disconnect();
  }

  readonly #onAbort = (): void => this.#stopping.abort();
}
