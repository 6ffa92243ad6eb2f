import type { NamespaceName, NodeId } from "@koboldfs/protocol";
import type { ChangeOutcome, FileRecord, FormerVersion } from "./change.js";
import type { BlobName, FileRef, NamespaceRow, NodeRow, RecordedOutcome, VersionRef } from "./commit-view.js";
import type { JournalGroupContent } from "./journal-group.js";
import type { StagedChange } from "./staged-change.js";
import type { TransactionId, TransactionRow } from "./transaction.js";
import type { WebhookRow } from "./webhook.js";

/** Everything that one commit writes. Sets, not steps: the order within a list does not matter. */
export interface CommitPlan {
  /** One for each change, in their order. */
  readonly outcomes: readonly ChangeOutcome[];
  /** Undefined when nothing changes that the journal tells of. */
  readonly group: PlannedGroup | undefined;
  /** When it happens, by the catalog's clock. */
  readonly timeMs: number;
  readonly filesToPut: readonly FileRecord[];
  readonly filesToRemove: readonly FileRef[];
  readonly formersToPut: readonly FormerVersion[];
  readonly formersToRemove: readonly VersionRef[];
  /** Entries whose content was purged: backfill must not meet them any more. */
  readonly entriesToForget: readonly number[];
  readonly purgesToAdd: readonly PlannedPurge[];
  /** Whole rows, usage included. */
  readonly namespacesToPut: readonly NamespaceRow[];
  readonly namespacesToRemove: readonly NamespaceName[];
  readonly nodesToPut: readonly NodeRow[];
  /** Those that are known keep their progress. */
  readonly webhooksToPut: readonly WebhookRow[];
  readonly webhooksToRemove: readonly string[];
  readonly debtsToAdd: readonly PlannedDebt[];
  readonly debtsToClear: readonly DebtRef[];
  readonly outcomesToRecord: readonly RecordedOutcome[];
  readonly transactionsToPut: readonly TransactionRow[];
  readonly stagedToPut: readonly StagedChange[];
  /** After what is staged was put: locks every key that these transactions staged. */
  readonly transactionsToLock: readonly TransactionId[];
  /** Last: removes what these transactions staged, and their locks. */
  readonly transactionsToClear: readonly TransactionId[];
}

/** Whether there is anything to write: what is staged in transactions is no part of the journal yet. */
export function hasWrites(plan: CommitPlan): boolean {
  return plan.group !== undefined || plan.transactionsToPut.length > 0;
}

export interface PlannedGroup extends JournalGroupContent {
  /** Canonical bytes, and their hash: the journal's new head. */
  readonly bytes: Buffer;
  readonly hash: string;
}

export interface DebtRef extends BlobName {
  readonly node: NodeId;
}

/** Tells a node to unlink a blob at once, if nothing refers to it. */
export interface PlannedPurge extends DebtRef {
  /** Journal number of the purge. */
  readonly number: number;
}

export interface PlannedDebt extends DebtRef {
  readonly sizeBytes: number;
  readonly copies: number;
  /** Journal number that made it: the age of the debt. */
  readonly number: number;
}
