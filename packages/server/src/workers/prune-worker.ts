import type { DebtCatalog, LeaseCatalog, MaintenanceCatalog, NodeCatalog } from "../catalog/catalog.js";
import { NODE_STATES } from "../model/node-state.js";
import type { StepResult, Worker } from "./worker.js";

export interface PruneWorkerOptions {
  readonly catalog: LeaseCatalog &
    MaintenanceCatalog &
    Pick<NodeCatalog, "listNodes"> &
    Pick<DebtCatalog, "listDebts" | "settleDebts">;
  /** Tells this node from others that would prune. */
  readonly holder: string;
}

/**
 * How long outcomes are kept for requests that come a second time. A client that retries does so within minutes; a week
 * lets a person repeat Friday's failed job on Monday, and still bounds the table.
 */
export const KEEP_OUTCOMES_MS = 7 * 24 * 60 * 60 * 1000;
/** Rows removed in one statement: few enough that its locks are never felt. */
const BATCH_ROWS = 1_000;
/** Longer than a step takes, short enough that another node takes over soon. */
const LEASE_MS = 60_000;

/** Removes recorded outcomes that nobody asks for any more, and what dead nodes owed. One node of the cluster does it at a time. */
export class PruneWorker implements Worker {
  readonly name = "prune";
  readonly pollMs = 10 * 60_000;
  readonly #options: PruneWorkerOptions;

  constructor(options: PruneWorkerOptions) {
    this.#options = options;
  }

  async step(): Promise<StepResult> {
    const { catalog, holder } = this.#options;
    if (!(await catalog.acquireLease("prune", holder, LEASE_MS))) return "idle";
    const removed = await catalog.pruneOutcomes(KEEP_OUTCOMES_MS, BATCH_ROWS);
    if (removed === BATCH_ROWS || (await this.#strikeOffDeadDebts())) return "busy";
    await catalog.releaseLease("prune", holder);
    return "idle";
  }

  /** Whether there may be more. */
  async #strikeOffDeadDebts(): Promise<boolean> {
    const { catalog } = this.#options;
    const dead = (await catalog.listNodes()).filter(({ state }) => !NODE_STATES[state].mayReturn);
    for (const { id } of dead) {
      const debts = await catalog.listDebts(id, BATCH_ROWS);
      await catalog.settleDebts(debts);
      if (debts.length === BATCH_ROWS) return true;
    }
    return false;
  }
}
