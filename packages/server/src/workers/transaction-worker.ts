import type { CommitCatalog, LeaseCatalog, TransactionCatalog } from "../catalog/catalog.js";
import { isInDoubt, type TransactionRow } from "../model/transaction.js";
import type { Clock } from "../runtime/clock.js";
import { crashPoint } from "../runtime/crash-points.js";
import type { Logger } from "../runtime/logger.js";
import type { StepResult, Worker } from "./worker.js";

export interface TransactionWorkerOptions {
  readonly catalog: LeaseCatalog &
    Pick<CommitCatalog, "commitAll"> &
    Pick<TransactionCatalog, "listExpiredTransactions" | "listUnfinishedTransactions" | "pruneTransactions">;
  /** Tells this node from others that would do the same. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What came of a transaction can be asked for 30 days; a day more is for clocks and for whoever asks at the last moment. */
const KEEP_FINISHED_MS = 31 * 24 * 60 * 60_000;
/** Transactions aborted in one commit: each removes what it staged by one statement. */
const BATCH_ABORTS = 50;
/** Rows removed in one step: few enough that their locks are never felt. */
const BATCH_ROWS = 500;
/** Longer than a step takes, short enough that another node takes over soon. */
const LEASE_MS = 60_000;
/** A transaction in doubt is somebody's problem until it is solved, but one line a while tells that. */
const WARN_AGAIN_MS = 10 * 60_000;
/** Remembered warnings; there are no more unfinished transactions. */
const MAX_WARNED = 1000;

/** Aborts transactions that nobody goes on with, forgets old outcomes, and warns of those in doubt. One node at a time. */
export class TransactionWorker implements Worker {
  readonly name = "transactions";
  readonly pollMs = 5_000;
  readonly #options: TransactionWorkerOptions;
  /** Id → monotonic time of the last warning. */
  readonly #warned = new Map<string, number>();

  constructor(options: TransactionWorkerOptions) {
    this.#options = options;
  }

  async step(): Promise<StepResult> {
    const { catalog, holder } = this.#options;
    if (!(await catalog.acquireLease("transactions", holder, LEASE_MS))) return "idle";
    const expired = await catalog.listExpiredTransactions(BATCH_ABORTS);
    // One that was used or ended since it was listed is refused, and stays as it is.
    if (expired.length > 0) crashPoint("transaction.expire.before");
    const outcomes = await catalog.commitAll(expired.map(abortOf));
    if (expired.length > 0) crashPoint("transaction.expire.done");
    if (expired.length === BATCH_ABORTS && outcomes.some(({ ok }) => ok)) return "busy";
    this.#warn(await catalog.listUnfinishedTransactions());
    if ((await catalog.pruneTransactions(KEEP_FINISHED_MS, BATCH_ROWS)) === BATCH_ROWS) return "busy";
    await catalog.releaseLease("transactions", holder);
    return "idle";
  }

  #warn(unfinished: readonly TransactionRow[]): void {
    const { clock, log } = this.#options;
    if (this.#warned.size >= MAX_WARNED) this.#warned.clear();
    for (const { id, preparedMs, ...row } of unfinished) {
      const before = this.#warned.get(id) ?? Number.NEGATIVE_INFINITY;
      if (!isInDoubt({ ...row, preparedMs }, clock.now()) || clock.monotonic() - before < WARN_AGAIN_MS) continue;
      this.#warned.set(id, clock.monotonic());
      const ageMs = clock.now() - (preparedMs ?? 0);
      log.warn(
        { event: "transaction_in_doubt", transaction: id, ageMs, changes: row.changes },
        "a transaction is prepared and its coordinator does not say what shall become of it; its keys are held",
      );
    }
  }
}

function abortOf({ id, owner }: TransactionRow) {
  return { kind: "abort-transaction", transaction: { id, owner }, onlyExpired: true } as const;
}
