import type { Digest, NamespaceName, NodeId } from "@koboldfs/protocol";
import type { ChangeOutcome, FileRecord } from "./change.js";
import type { FileRef, NamespaceRow, NodeRow, RecordedOutcome } from "./commit-view.js";
import type { JournalGroupContent } from "./journal-group.js";

/** Everything that one commit writes. Sets, not steps: the order within a list does not matter. */
export interface CommitPlan {
  /** One for each change, in their order. */
  readonly outcomes: readonly ChangeOutcome[];
  /** Undefined when nothing changes: then nothing at all is written. */
  readonly group: PlannedGroup | undefined;
  readonly filesToPut: readonly FileRecord[];
  readonly filesToRemove: readonly FileRef[];
  /** Whole rows, usage included. */
  readonly namespacesToPut: readonly NamespaceRow[];
  readonly namespacesToRemove: readonly NamespaceName[];
  readonly nodesToPut: readonly NodeRow[];
  readonly debtsToAdd: readonly PlannedDebt[];
  readonly debtsToClear: readonly DebtRef[];
  readonly outcomesToRecord: readonly RecordedOutcome[];
}

export interface PlannedGroup extends JournalGroupContent {
  /** Canonical bytes, and their hash: the journal's new head. */
  readonly bytes: Buffer;
  readonly hash: string;
}

export interface DebtRef {
  readonly node: NodeId;
  readonly namespace: NamespaceName;
  readonly digest: Digest;
}

export interface PlannedDebt extends DebtRef {
  readonly sizeBytes: number;
  readonly copies: number;
  /** Journal number that made it: the age of the debt. */
  readonly number: number;
}
