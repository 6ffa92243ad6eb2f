import type { RecoverOptions, RecoveryReport } from "./recover-transactions.js";

const EVERY_MS = 60_000;

export interface RecoveryOptions extends Omit<RecoverOptions, "signal"> {
  /** Between the end of one recovery and the next. Default a minute. */
  readonly everyMs?: number;
  readonly onReport?: (report: RecoveryReport) => void;
  /** A recovery that could not be done: the next one tries again. Default: `console.warn`. */
  readonly onError?: (reason: unknown) => void;
}

/** Recovers now and again and again, one after the other, until it is stopped. */
export class RecoveryTimer {
  readonly #recover: (signal: AbortSignal) => Promise<RecoveryReport>;
  readonly #options: RecoveryOptions;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #wake: (() => void) | undefined;

  constructor(recover: (signal: AbortSignal) => Promise<RecoveryReport>, options: RecoveryOptions) {
    this.#recover = recover;
    this.#options = options;
    this.#ended = this.#run();
  }

  /** Lets what is under way end. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the recovery was stopped"));
    this.#wake?.();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        this.#options.onReport?.(await this.#recover(signal));
      } catch (thrown) {
        if (!signal.aborted) this.#tell(thrown);
      }
      await this.#rest();
    }
  }

  #tell(reason: unknown): void {
    const { onError } = this.#options;
    if (onError === undefined) console.warn("transactions could not be recovered:", reason);
    else onError(reason);
  }

  #rest(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#options.everyMs ?? EVERY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
