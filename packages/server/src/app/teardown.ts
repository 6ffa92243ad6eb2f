import type { Logger } from "../runtime/logger.js";

/** What was opened on the way up, closed in the opposite order on the way down. */
export class Teardown {
  readonly #log: Logger;
  readonly #steps: { what: string; close: () => Promise<void> | void }[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Notes how to undo what was just done. */
  add(what: string, close: () => Promise<void> | void): void {
    this.#steps.push({ what, close });
  }

  /** Closes everything once. A step that fails is logged and does not keep the others from being closed. */
  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.close();
      } catch (error) {
        this.#log.error({ err: error }, `could not stop ${step.what}`);
      }
    }
  }
}
