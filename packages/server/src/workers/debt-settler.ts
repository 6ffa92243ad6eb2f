import type { Debt, DebtCatalog } from "../catalog/catalog.js";
import { crashPoint } from "../runtime/crash-points.js";

/** Debts that one statement settles at most. */
const MAX_BATCH = 500;

export interface DebtSettlerOptions {
  readonly catalog: Pick<DebtCatalog, "settleDebts">;
  /** The debt is gone from the catalog, or that could not be done: then it is still listed. */
  readonly onEnd: (debt: Debt, error?: unknown) => void;
}

/** Settles paid debts in as few statements as fit: what comes while one runs shares the next. */
export class DebtSettler {
  readonly #options: DebtSettlerOptions;
  #waiting: Debt[] = [];
  #running: Promise<void> | undefined;

  constructor(options: DebtSettlerOptions) {
    this.#options = options;
  }

  /** Takes a debt whose blob is durable here. Resolves at once, or later when more wait than one statement settles. */
  async add(debt: Debt): Promise<void> {
    this.#waiting.push(debt);
    this.#running ??= this.#run();
    if (this.#waiting.length > MAX_BATCH) await this.#running;
  }

  /** Resolves when nothing waits any more. Never rejects. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) await this.#settle(this.#waiting.splice(0, MAX_BATCH));
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
