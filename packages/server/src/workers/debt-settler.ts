import type { Debt, DebtCatalog } from "../catalog/catalog.js";
import type { Clock } from "../runtime/clock.js";
import { crashPoint } from "../runtime/crash-points.js";

/** Debts that one statement settles at most. */
const MAX_BATCH = 500;
/** Between two statements: each holds the catalog's lock while its disk flushes, and puts wait for that. */
const REST_MS = 100;

export interface DebtSettlerOptions {
  readonly catalog: Pick<DebtCatalog, "settleDebts">;
  /** The debt is gone from the catalog, or that could not be done: then it is still listed. */
  readonly onEnd: (debt: Debt, error?: unknown) => void;
  readonly clock: Clock;
}

/** Settles paid debts in few statements: what comes while one runs, and for a moment afterwards, shares the next. */
export class DebtSettler {
  readonly #options: DebtSettlerOptions;
  #waiting: Debt[] = [];
  #running: Promise<void> | undefined;
  #rest = new AbortController();
  /** Those who wait until nothing waits any more. */
  #draining = 0;

  constructor(options: DebtSettlerOptions) {
    this.#options = options;
  }

  /** Takes a debt whose blob is durable here. Resolves at once, or later when more wait than one statement settles. */
  async add(debt: Debt): Promise<void> {
    this.#waiting.push(debt);
    this.#running ??= this.#run();
    if (this.#waiting.length > MAX_BATCH) await this.drain();
  }

  /** Resolves when nothing waits any more. Never rejects. */
  async drain(): Promise<void> {
    this.#draining += 1;
    this.#rest.abort();
    await this.#running;
    this.#draining -= 1;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#settle(this.#waiting.splice(0, MAX_BATCH));
      this.#rest = new AbortController();
      if (this.#draining === 0) await this.#options.clock.sleep(REST_MS, this.#rest.signal);
    }
    this.#running = undefined;
  }

  async #settle(batch: readonly Debt[]): Promise<void> {
    const { catalog, onEnd } = this.#options;
    try {
      crashPoint("repair.fetched");
      await catalog.settleDebts(batch);
      crashPoint("repair.settled");
      for (const debt of batch) onEnd(debt);
    } catch (error) {
      for (const debt of batch) onEnd(debt, error);
    }
  }
}
