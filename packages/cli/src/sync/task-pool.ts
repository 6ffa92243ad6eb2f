/**
 * Runs a bounded number of tasks at once, for one caller that adds them. The first failure stops the intake; what runs is
 * waited for.
 */
export class TaskPool {
  readonly #limit: number;
  #running = 0;
  #failure: { cause: unknown } | undefined;
  /** One waiter at most; a race of all tasks would leave something at a long one for each short one that passes it. */
  #wake: (() => void) | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves as soon as the task has begun. Throws the first failure of an earlier one. */
  async add(task: () => Promise<void>): Promise<void> {
    while (this.#running >= this.#limit) await this.#nextEnd();
    this.#throwFailure();
    this.#running += 1;
    void this.#run(task);
  }

  /** Waits for all tasks. Throws the first failure. */
  async finish(): Promise<void> {
    await this.settle();
    this.#throwFailure();
  }

  /** Waits for all tasks, however they end. */
  async settle(): Promise<void> {
    while (this.#running > 0) await this.#nextEnd();
  }

  async #run(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (cause) {
      this.#failure ??= { cause };
    }
    this.#running -= 1;
    this.#wake?.();
    this.#wake = undefined;
  }

  #nextEnd(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }
}
