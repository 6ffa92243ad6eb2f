import type { FileKey, NamespaceName, NodeId } from "@koboldfs/protocol";
import type { Expiry, FileContent } from "./file-content.js";
import type { TransactionId } from "./transaction.js";

/** What a transaction would make of one key; one for each key, the last word counts. */
export interface StagedChange {
  readonly transaction: TransactionId;
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  /** `read`: nothing, but the key must stay as it was seen. */
  readonly kind: "put" | "delete" | "read";
  /** Of puts; its `expiresMs` is not looked at. */
  readonly content?: FileContent;
  /** Of puts; absent: as the namespace's policy says when it commits. */
  readonly expires?: Expiry;
  /** Of bytes that were sent: how many nodes must have them when it commits. Absent for content that had a name already. */
  readonly minCopies?: number;
  /** Nodes that have the blob, or have it on the list of what they owe. */
  readonly placedOn: readonly NodeId[];
  /** A journal number before it was placed: a node that was filled anew since may have lost what was placed on it. */
  readonly stagedAt: number;
  /**
   * The committed version of the key that a precondition was checked against, 0 for none: it must still be that when the
   * transaction is prepared or committed. Absent: whatever it is by then.
   */
  readonly seen?: number;
}

/** A key that a prepared transaction holds. */
export interface KeyLock {
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  readonly transaction: TransactionId;
}

export function formatStagedRef({ transaction, namespace, key }: KeyLock): string {
  return `${transaction}\0${namespace}\0${key}`;
}

/** The order in which a transaction's changes are numbered: the same on every node, whatever the database answered. */
export function sortStaged<Change extends Pick<KeyLock, "namespace" | "key">>(changes: readonly Change[]): Change[] {
  return changes.toSorted((a, b) => compare(a.namespace, b.namespace) || compare(a.key, b.key));
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
