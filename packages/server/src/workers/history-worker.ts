import type {
  CommitCatalog,
  HistoryCatalog,
  LeaseCatalog,
  NamespaceHorizon,
  PruneCatalog,
} from "../catalog/catalog.js";
import { planHorizon } from "../model/plan-horizon.js";
import type { StepResult, Worker } from "./worker.js";

export interface HistoryWorkerOptions {
  readonly catalog: LeaseCatalog &
    PruneCatalog &
    Pick<CommitCatalog, "commit"> &
    Pick<HistoryCatalog, "getMoment" | "listHorizons" | "hasHistory">;
  /** Tells this node from others that would do the same. */
  readonly holder: string;
}

/** Rows removed in one step: few enough that their locks are never felt. */
const BATCH_ROWS = 500;
/** Longer than a step takes, short enough that another node takes over soon. */
const LEASE_MS = 60_000;
/** No placement from before can be named so long after a purge was obeyed; see `MAX_PLACEMENT_AGE_MS`. */
const KEEP_PURGES_MS = 60 * 60_000;

/** Moves each namespace's horizon as its retention passes, and prunes what is below. One node of the cluster at a time. */
export class HistoryWorker implements Worker {
  readonly name = "history";
  readonly pollMs = 60_000;
  readonly #options: HistoryWorkerOptions;

  constructor(options: HistoryWorkerOptions) {
    this.#options = options;
  }

  async step(): Promise<StepResult> {
    const { catalog, holder } = this.#options;
    if (!(await catalog.acquireLease("history", holder, LEASE_MS))) return "idle";
    for (const namespace of await catalog.listHorizons()) await this.#move(namespace);
    if ((await catalog.pruneVersions(BATCH_ROWS)) === BATCH_ROWS) return "busy";
    await catalog.prunePurges(KEEP_PURGES_MS);
    await catalog.releaseLease("history", holder);
    return "idle";
  }

  /** Only past something that it gives up: else each move of the horizon would be a reason for the next one. */
  async #move({ namespace, horizon: current, retentionMs }: NamespaceHorizon): Promise<void> {
    const { catalog } = this.#options;
    const { number: retained } = await catalog.getMoment({ ageMs: retentionMs });
    const horizon = planHorizon({ current, retained, holds: [] });
    if (horizon === undefined || !(await catalog.hasHistory(namespace, horizon))) return;
    const outcome = await catalog.commit({ kind: "move-horizon", namespace, horizon });
    // The namespace may be gone since it was listed.
    if (!outcome.ok && outcome.error.code !== "namespace_not_found") throw outcome.error;
  }
}
