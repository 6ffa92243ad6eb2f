import type { StepResult, Worker } from "./worker.js";

/** What has things that are forgotten when their time is over. */
export interface Expiring {
  /** Forgets at most `limit` of them; answers how many. */
  removeExpired(limit: number): Promise<number>;
}

/** Removed in one step: some unlinks and fsyncs each. */
const BATCH = 20;

/** Removes resumable uploads of this node that nobody went on with. */
export class ExpiryWorker implements Worker {
  readonly name = "expiry";
  /** An expired upload is refused at once; its bytes may stay a little longer. */
  readonly pollMs = 30_000;
  readonly #uploads: Expiring;

  constructor(uploads: Expiring) {
    this.#uploads = uploads;
  }

  async step(): Promise<StepResult> {
    return (await this.#uploads.removeExpired(BATCH)) === BATCH ? "busy" : "idle";
  }
}
