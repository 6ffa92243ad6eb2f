import type {
  CommitCatalog,
  HistoryCatalog,
  LeaseCatalog,
  NamespaceHorizon,
  PruneCatalog,
  WebhookCatalog,
  WebhookRecord,
  TransactionCatalog,
} from "../catalog/catalog.js";
import { listHorizonHolds, planHorizon } from "../model/plan-horizon.js";
import type { StepResult, Worker } from "./worker.js";

export interface HistoryWorkerOptions {
  readonly catalog: LeaseCatalog &
    PruneCatalog &
    Pick<CommitCatalog, "commit"> &
    Pick<HistoryCatalog, "getMoment" | "listHorizons" | "hasHistory"> &
    Pick<TransactionCatalog, "listUnfinishedTransactions"> &
    Pick<WebhookCatalog, "listWebhooks">;
  /** Tells this node from others that would do the same. */
  readonly holder: string;
}

/** Rows removed in one step: few enough that their locks are never felt. */
const BATCH_ROWS = 500;
/** Longer than a step takes, short enough that another node takes over soon. */
const LEASE_MS = 60_000;
/** No placement from before can be named so long after a purge was obeyed; see `MAX_PLACEMENT_AGE_MS`. */
const KEEP_PURGES_MS = 60 * 60_000;

/** So long beyond the retention history waits for a webhook that is late: a receiver may be away for a night. */
const WAIT_MS = 24 * 60 * 60_000;

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
    const webhooks = await catalog.listWebhooks();
    const unfinished = await catalog.listUnfinishedTransactions();
    for (const namespace of await catalog.listHorizons()) {
      await this.#move(namespace, { webhooks, holds: listHorizonHolds(namespace.namespace, unfinished) });
    }
    if ((await catalog.pruneVersions(BATCH_ROWS)) === BATCH_ROWS) return "busy";
    await catalog.prunePurges(KEEP_PURGES_MS);
    await catalog.releaseLease("history", holder);
    return "idle";
  }

  /** Only past something that it gives up: else each move of the horizon would be a reason for the next one. */
  async #move(
    { namespace, horizon: current, retentionMs }: NamespaceHorizon,
    { webhooks, holds }: { webhooks: readonly WebhookRecord[]; holds: readonly number[] },
  ): Promise<void> {
    const { catalog } = this.#options;
    const { number: retained } = await catalog.getMoment({ ageMs: retentionMs });
    const followers = webhooks.filter((webhook) => (webhook.namespace ?? namespace) === namespace);
    const late = followers.map(({ position }) => position).filter((position) => position < retained);
    // Looked up only when somebody is late.
    const oldest = late.length === 0 ? retained : (await catalog.getMoment({ ageMs: retentionMs + WAIT_MS })).number;
    const waits = late.map((position) => Math.max(position, oldest));
    const horizon = planHorizon({ current, retained, holds: [...holds, ...waits] });
    if (horizon === undefined || !(await catalog.hasHistory(namespace, horizon))) return;
    const outcome = await catalog.commit({ kind: "move-horizon", namespace, horizon });
    // The namespace may be gone since it was listed.
    if (!outcome.ok && outcome.error.code !== "namespace_not_found") throw outcome.error;
  }
}
