import type { NodeId } from "@koboldfs/protocol";
import type { Change } from "../../model/change.js";
import type { PlannedPurge } from "../../model/commit-plan.js";
import type { BlobName, KnownHistory } from "../../model/commit-view.js";
import type { PlacedProgress } from "../../model/placed-progress.js";
import type { JournalGroup } from "../../model/journal-group.js";
import type { TransactionId } from "../../model/transaction.js";
import type { Debt, LeaseCatalog, MaintenanceCatalog, PruneCatalog } from "../catalog.js";
import type { CommittedGroup } from "../commit-witness.js";

/** The writing half of a catalog. On SQLite it lives in a thread of its own: everything in and out is plain data. */
export interface CatalogWriter extends LeaseCatalog, MaintenanceCatalog, PruneCatalog {
  /**
   * Commits the changes as one group; `release` as `CommitGroup` says. `known` is checked under the lock: throws
   * `catalog_behind`, `history_forked` or `catalog_outdated` when the catalog's history is not one that goes on from it.
   */
  commitGroup(changes: readonly Change[], release: () => void, known?: KnownHistory): Promise<CommittedGroup>;
  /** See `CompletionCatalog`. */
  completeJournal(groups: readonly JournalGroup[], epoch: number): Promise<boolean>;
  rebuildJournal(groups: readonly JournalGroup[], outcomesSinceMs: number): Promise<boolean>;
  indexJournal(): Promise<void>;
  raiseEpoch(epoch: number): Promise<void>;
  retire(): Promise<void>;
  revive(): Promise<void>;
  /** Throws `node_not_found`. */
  heartbeat(node: NodeId, space: { freeBytes: number; totalBytes: number }): Promise<void>;
  setBackfillPosition(node: NodeId, position: number): Promise<void>;
  settleDebts(debts: readonly Debt[]): Promise<void>;
  addDebt(debt: Debt): Promise<void>;
  addDebts(debts: readonly Debt[]): Promise<void>;
  confirmUnreferenced(blobs: readonly BlobName[]): Promise<BlobName[]>;
  dropIdleDebts(debts: readonly Debt[]): Promise<number>;
  noteWebhookProgress(progress: PlacedProgress): Promise<void>;
  endPurges(purges: readonly PlannedPurge[]): Promise<void>;
  renewTransaction(id: TransactionId): Promise<boolean>;
  pruneTransactions(olderThanMs: number, limit: number): Promise<number>;
  close(): Promise<void>;
}
