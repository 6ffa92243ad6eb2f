import { KoboldError, type NodeId } from "@koboldfs/protocol";
import type { Change } from "../../model/change.js";
import type { PlannedPurge } from "../../model/commit-plan.js";
import type { BlobName, KnownHistory } from "../../model/commit-view.js";
import { RETIRED_EPOCH, UNFINISHED_EPOCH } from "../../model/fence.js";
import type { PlacedProgress } from "../../model/placed-progress.js";
import type { JournalGroup } from "../../model/journal-group.js";
import type { Debt } from "../catalog.js";
import type { CommittedGroup } from "../commit-witness.js";
import type { CatalogWriter } from "./catalog-writer.js";
import { toInteger, toText } from "./column-values.js";
import type { CommitRunner } from "./commit/commit-runner.js";
import type { JournalCompleter } from "./commit/journal-completer.js";
import { confirmUnreferenced, dropIdleDebts } from "./locked-references.js";
import { pruneVersions } from "./prune-versions.js";
import type { CatalogQueries } from "./queries/catalog-queries.js";
import { formatDebtRow } from "./queries/debt-queries.js";
import { formatPurgeKey } from "./queries/purge-queries.js";
import { formatPlacedProgress } from "./queries/webhook-queries.js";
import type { SqlRunner } from "./sql-connection.js";
import type { TransactionId } from "../../model/transaction.js";

export interface SqlWriterOptions {
  readonly queries: CatalogQueries;
  readonly commits: CommitRunner;
  readonly completer: JournalCompleter;
  /** Runs statements outside of commits, each its own transaction. */
  readonly runner: SqlRunner;
  /** Ends what the runner stands on. */
  readonly release: () => Promise<void>;
}

/** Writes in SQL, in whichever thread it was made. */
export class SqlWriter implements CatalogWriter {
  readonly #queries: CatalogQueries;
  readonly #commits: CommitRunner;
  readonly #completer: JournalCompleter;
  readonly #runner: SqlRunner;
  readonly #release: () => Promise<void>;

  constructor(options: SqlWriterOptions) {
    this.#queries = options.queries;
    this.#commits = options.commits;
    this.#completer = options.completer;
    this.#runner = options.runner;
    this.#release = options.release;
  }

  commitGroup(changes: readonly Change[], release: () => void, known?: KnownHistory): Promise<CommittedGroup> {
    return this.#commits.commitGroup(changes, release, known);
  }

  /** In turn with the commits: where all sessions share one thread none may wait for a lock that another of them holds. */
  completeJournal(groups: readonly JournalGroup[], epoch: number): Promise<boolean> {
    return this.#commits.inTurn(() => this.#completer.insert(groups, { epoch, copies: "owed" }));
  }

  rebuildJournal(groups: readonly JournalGroup[], outcomesSinceMs: number): Promise<boolean> {
    const options = { epoch: UNFINISHED_EPOCH, copies: "open", outcomesSinceMs } as const;
    return this.#commits.inTurn(() => this.#completer.insert(groups, options));
  }

  async indexJournal(): Promise<void> {
    for (const statement of this.#queries.blobIndex.make()) await this.#runner.run(statement);
  }

  /** Under the lock: whoever commits after it has the lock too and sees it. */
  retire(): Promise<void> {
    return this.#commits.runLocked(async (connection) => {
      const [head] = (await connection.run(this.#queries.cluster.findHead({}))).rows;
      if (head === undefined) throw new KoboldError("internal", "the catalog has no cluster row");
      const point = { number: toInteger(head.head_number), hash: head.head_hash, timeMs: toInteger(head.time_ms) };
      await connection.run(this.#queries.epochs.insert({ epoch: RETIRED_EPOCH, ...point }));
    });
  }

  async revive(): Promise<void> {
    await this.#runner.run(this.#queries.epochs.remove({ epoch: RETIRED_EPOCH }));
  }

  async raiseEpoch(epoch: number): Promise<void> {
    const [head] = (await this.#runner.run(this.#queries.cluster.findHead({}))).rows;
    if (head === undefined) throw new KoboldError("internal", "the catalog has no cluster row");
    const point = { number: toInteger(head.head_number), hash: head.head_hash, timeMs: toInteger(head.time_ms) };
    await this.#runner.run(this.#queries.epochs.insert({ epoch, ...point }));
  }

  async heartbeat(node: NodeId, space: { freeBytes: number; totalBytes: number }): Promise<void> {
    const { affected } = await this.#runner.run(this.#queries.nodes.heartbeat({ id: node, ...space }));
    if (affected === 0) throw new KoboldError("node_not_found", `there is no node ${node}`);
  }

  async setBackfillPosition(node: NodeId, position: number): Promise<void> {
    await this.#runner.run(this.#queries.nodes.moveBackfill({ id: node, position }));
  }

  async settleDebts(debts: readonly Debt[]): Promise<void> {
    for (const statement of this.#queries.debts.remove(debts)) await this.#runner.run(statement);
  }

  async addDebt(debt: Debt): Promise<void> {
    const number = await this.#findDebtAge();
    for (const statement of this.#queries.debts.addMissing([formatDebtRow({ ...debt, number })])) {
      await this.#runner.run(statement);
    }
  }

  async addDebts(debts: readonly Debt[]): Promise<void> {
    const number = await this.#findDebtAge();
    const rows = debts.map((debt) => ({ ...debt, number }));
    for (const statement of this.#queries.debts.add(rows)) await this.#runner.run(statement);
  }

  /** Nobody would learn of a debt that is written to a catalog that was moved: its finder shall find it again elsewhere. */
  async #findDebtAge(): Promise<number> {
    const [head] = (await this.#runner.run(this.#queries.cluster.findHead({}))).rows;
    if (head === undefined) throw new KoboldError("internal", "the catalog has no cluster row");
    if (toInteger(head.epoch) === RETIRED_EPOCH) throw new KoboldError("catalog_retired", "it takes no debts any more");
    return toInteger(head.head_number);
  }

  confirmUnreferenced(blobs: readonly BlobName[]): Promise<BlobName[]> {
    return confirmUnreferenced({ queries: this.#queries, commits: this.#commits }, blobs);
  }

  dropIdleDebts(debts: readonly Debt[]): Promise<number> {
    return dropIdleDebts({ queries: this.#queries, commits: this.#commits }, debts);
  }

  async endPurges(purges: readonly PlannedPurge[]): Promise<void> {
    for (const purge of purges) await this.#runner.run(this.#queries.purges.end(formatPurgeKey(purge)));
  }

  async noteWebhookProgress(progress: PlacedProgress): Promise<void> {
    await this.#runner.run(this.#queries.webhooks.noteProgress(formatPlacedProgress(progress)));
  }

  async acquireLease(name: string, holder: string, ttlMs: number): Promise<boolean> {
    const claim = { name, holder, ttlMs };
    const { renew, claim: makeClaim } = this.#queries.leases;
    // The second renewal finds a claim that this call itself made before its connection was cut.
    for (const statement of [renew(claim), makeClaim(claim), renew(claim)]) {
      if ((await this.#runner.run(statement)).affected > 0) return true;
    }
    return false;
  }

  async releaseLease(name: string, holder: string): Promise<void> {
    await this.#runner.run(this.#queries.leases.release({ name, holder }));
  }

  async pruneOutcomes(olderThanMs: number, limit: number): Promise<number> {
    const { rows } = await this.#runner.run(this.#queries.outcomes.listOld({ olderThanMs, limit }));
    let removed = 0;
    for (const statement of this.#queries.outcomes.remove(rows.map((row) => ({ id: toText(row.id) })))) {
      removed += (await this.#runner.run(statement)).affected;
    }
    return removed;
  }

  pruneVersions(limit: number): Promise<number> {
    return pruneVersions({ queries: this.#queries, runner: this.#runner }, limit);
  }

  async prunePurges(olderThanMs: number): Promise<void> {
    await this.#runner.run(this.#queries.purges.removeOld({ olderThanMs }));
  }

  async renewTransaction(id: TransactionId): Promise<boolean> {
    return (await this.#runner.run(this.#queries.transactions.renew({ id }))).affected > 0;
  }

  async pruneTransactions(olderThanMs: number, limit: number): Promise<number> {
    const { rows } = await this.#runner.run(this.#queries.transactions.listForgettable({ olderThanMs, limit }));
    let removed = 0;
    for (const statement of this.#queries.transactions.remove(rows.map((row) => ({ id: toText(row.id) })))) {
      removed += (await this.#runner.run(statement)).affected;
    }
    return removed;
  }

  async close(): Promise<void> {
    await this.#commits.close();
    await this.#completer.close();
    await this.#release();
  }
}
