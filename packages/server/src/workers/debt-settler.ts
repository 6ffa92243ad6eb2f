import type { Debt, DebtCatalog } from "../catalog/catalog.js";

/** Debts that one statement settles at most. */
const MAX_BATCH = 500;

/** Settles debts in as few statements as fit: what comes while one runs shares the next. */
export class DebtSettler {
  readonly #catalog: DebtCatalog;
  #waiting: { debt: Debt; done: () => void; failed: (error: unknown) => void }[] = [];
  #running = false;

  constructor(catalog: DebtCatalog) {
    this.#catalog = catalog;
  }

  /** Resolves when the debt is gone from the catalog. The blob must be durable here before. */
  settle(debt: Debt): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ debt, done, failed });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      try {
        await this.#catalog.settleDebts(batch.map(({ debt }) => debt));
        for (const { done } of batch) done();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    this.#running = false;
  }
}
