import type {
  Digest,
  FileKey,
  KoboldError,
  NamespaceName,
  NamespacePolicy,
  NodeId,
  NodeName,
  NodeStateName,
} from "@koboldfs/protocol";
import type { Expiry, FileContent } from "./file-content.js";
import type { StagedChange } from "./staged-change.js";
import type { StagingLimits, TransactionRef, TransactionRow } from "./transaction.js";
import type { WebhookSettings } from "./webhook.js";

export type { Expiry, FileContent } from "./file-content.js";

/** What a caller wants changed. Every change of the cluster, settings included, goes through `CommitCatalog.commit`. */
export type Change =
  | PutChange
  | DeleteChange
  | CopyChange
  | RenameChange
  | UndeleteChange
  | RestoreChange
  | RestorePrefixChange
  | ExpireChange
  | PurgeChange
  | MoveHorizonChange
  | SetNamespaceChange
  | DropNamespaceChange
  | SetNodeChange
  | SetNodeStateChange
  | RefillNodeChange
  | RejoinChange
  | RejoinTransactionChange
  | TransactionChange
  | SetWebhookChange
  | DropWebhookChange;

/** Checked under the commit lock against the state then. `*` is any file; a digest is RFC 9110's strong entity tag. */
export interface Precondition {
  /** The file must exist and have one of these digests. */
  readonly ifMatch?: "*" | readonly Digest[];
  /** No file, or none of these digests. */
  readonly ifNoneMatch?: "*" | readonly Digest[];
}

/** Names one request for ever: a second arrival with the same fingerprint gets the first's outcome. */
export interface Idempotency {
  readonly key: string;
  /** Hash of what was asked; another request under the same key is refused as `idempotency_key_reused`. */
  readonly fingerprint: string;
}

interface FileChange {
  readonly namespace: NamespaceName;
  readonly precondition?: Precondition;
  readonly idempotency?: Idempotency;
}

export interface PutChange extends FileChange {
  readonly kind: "put";
  readonly key: FileKey;
  /** Its `expiresMs` is not looked at: `expires` says what is wanted. */
  readonly content: FileContent;
  /** Absent: as the namespace's policy says. */
  readonly expires?: Expiry;
  /** Nodes that have the blob fsynced. */
  readonly placedOn: readonly NodeId[];
  /**
   * A moment before the first copy was durable, by this process's monotonic clock: a placement that is too old, or was
   * begun before a node purged the blob, is refused as `placement_expired`. Absent: the bytes are known to be there.
   */
  readonly placedSinceMs?: number;
  /**
   * The latest journal number at which any node had joined, as was known before the first byte was placed: a node that was
   * filled anew behind it may have lost its copy, and does not count. Absent: the bytes are known to be there.
   */
  readonly placedAfter?: number;
  /** Refuse as `too_few_copies` when fewer nodes, or fewer than the namespace's policy says, have it. */
  readonly minCopies: number;
}

/** Refused as `not_found` when there is no such file. */
export interface DeleteChange extends FileChange {
  readonly kind: "delete";
  readonly key: FileKey;
}

/** Names the content of `from` also `to`; moves no bytes. `precondition` is about `to`, `sourceMatch` about `from`. */
export interface CopyChange extends FileChange {
  readonly kind: "copy";
  readonly from: FileKey;
  readonly to: FileKey;
  readonly sourceMatch?: readonly Digest[];
}

/** A copy and a delete of `from` in one commit: both or neither. `from` equal to `to` is refused as `invalid_request`. */
export interface RenameChange extends FileChange {
  readonly kind: "rename";
  readonly from: FileKey;
  readonly to: FileKey;
  readonly sourceMatch?: readonly Digest[];
}

/**
 * Makes the last content of a deleted key current again, as a new version. Refused as `not_deleted` while there is a
 * file, as `not_found` when nothing of it is left.
 */
export interface UndeleteChange extends FileChange {
  readonly kind: "undelete";
  readonly key: FileKey;
}

/** Makes the content of an older version current, as a new version. Refused as `version_not_found` when it is gone. */
export interface RestoreChange extends FileChange {
  readonly kind: "restore";
  readonly key: FileKey;
  readonly version: number;
}

/** A state of the journal, and its time by the catalog's clock. */
export interface Moment {
  readonly number: number;
  readonly timeMs: number;
}

/**
 * Makes every key that begins so what it was as of the moment: older content, or no file. All in one commit, or
 * refused as `too_large`. Refused as `history_gone` below the horizon. It shares no group with other changes.
 */
export interface RestorePrefixChange {
  readonly kind: "restore-prefix";
  readonly namespace: NamespaceName;
  readonly prefix: string;
  readonly asOf: Moment;
  readonly idempotency?: Idempotency;
}

/** Deletes a file that has expired; refused as `not_found` when it is another version by now, or has time left. */
export interface ExpireChange {
  readonly kind: "expire";
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  readonly version: number;
}

/**
 * Removes one version, or all (at most `MAX_PURGED_VERSIONS` in one commit) with the file, without waiting for the
 * retention. Every node is ordered to unlink the blobs that nothing else refers to. Refused as `not_found` or
 * `version_not_found`.
 */
export interface PurgeChange {
  readonly kind: "purge";
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  readonly version?: number;
  readonly idempotency?: Idempotency;
}

/** Gives up the namespace's history up to this number. Moves forward only; to where it is already changes nothing. */
export interface MoveHorizonChange {
  readonly kind: "move-horizon";
  readonly namespace: NamespaceName;
  readonly horizon: number;
}

/** Creates the namespace or replaces its policy. */
export interface SetNamespaceChange {
  readonly kind: "set-namespace";
  readonly namespace: NamespaceName;
  readonly policy: NamespacePolicy;
}

/** Refused as `namespace_not_empty` while it has a live file, as `key_locked` while a prepared transaction holds a key. */
export interface DropNamespaceChange {
  readonly kind: "drop-namespace";
  readonly namespace: NamespaceName;
  readonly idempotency?: Idempotency;
}

/**
 * Enters a node or replaces what is known of it. A new node starts with everything before this change to be backfilled.
 * Without a state a known node keeps its own, whatever the caller knew of it, and a new one is alive.
 * Refused as `node_name_taken` and, for a node that is dead, as `node_dead`.
 */
export interface SetNodeChange {
  readonly kind: "set-node";
  readonly node: Omit<NodeSettings, "state"> & Partial<Pick<NodeSettings, "state">>;
}

/**
 * An operator's word on what a node may do. Refused as `node_not_found`, as `node_dead` when it may never return, and as
 * `last_holder` when no node would be left that should hold every file. Changes nothing when it is so already.
 */
export interface SetNodeStateChange {
  readonly kind: "set-node-state";
  readonly node: NodeId;
  readonly state: NodeSettings["state"];
}

/**
 * Says that a node lost some of its disks: the whole journal is walked again for it, and what is not there is fetched.
 * Refused as `node_not_found` and `node_dead`.
 */
export interface RefillNodeChange {
  readonly kind: "refill-node";
  readonly node: NodeId;
  /** The node may come back without the volumes that are known of it, even with none: under its name, as itself. */
  readonly forgetVolumes: boolean;
}

/** What one side of a fork made of a key. */
export type RejoinedState = { readonly kind: "put"; readonly content: FileContent } | { readonly kind: "delete" };

/** Names again what only one side of a fork of the journal had named; made by `planJoin`. */
export interface RejoinChange {
  readonly kind: "rejoin";
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  /** All of this key, in their order. */
  readonly states: readonly RejoinedState[];
  /** The last number that both sides have. */
  readonly forkedAt: number;
  /** The catalog's side went on with this key: what it says stays current. */
  readonly keepsCurrent: boolean;
  readonly idempotency: Idempotency;
}

/** Says again what only one side of a fork knew of a transaction that was prepared or has ended there. */
export interface RejoinTransactionChange {
  readonly kind: "rejoin-transaction";
  readonly transaction: TransactionRef;
  readonly journaled: Pick<TransactionRow, "id" | "owner" | "begunMs" | "ttlMs">;
  /** What it had staged when it was prepared; empty when only its end is known there. */
  readonly prepared: readonly StagedChange[];
  /** Absent: it waits for its coordinator. */
  readonly end?: { readonly kind: "commit" | "abort"; readonly changes: number; readonly stagedBytes: number };
}

/** Everything that can happen to a transaction. */
export type TransactionChange = BeginChange | StageChange | FinishChange;

/** Refused as `too_many_transactions`. A transaction that is there already stays as it is. */
export interface BeginChange {
  readonly kind: "begin-transaction";
  readonly transaction: TransactionRef;
  readonly ttlMs: number;
  readonly idempotency?: Idempotency;
}

/** What can wait in a transaction. */
export type StageableChange = PutChange | DeleteChange | CopyChange | RenameChange | UndeleteChange | RestoreChange;

/**
 * Checks the change against what the transaction sees, as if it were committed now, and keeps it for the transaction's
 * commit. Of two changes of one key the later counts. Its outcome has no version: 0.
 */
export interface StageChange {
  readonly kind: "stage";
  readonly transaction: TransactionRef;
  /** Without an idempotency key: that belongs to the staging. */
  readonly change: StageableChange;
  readonly limits: StagingLimits;
  readonly idempotency?: Idempotency;
}

/**
 * - `prepare-transaction` checks all that the commit could refuse and locks the keys; afterwards the commit cannot fail.
 *   Refused as `transaction_conflict` and `key_locked`.
 * - `commit-transaction` makes everything current at once; refused like a prepare when it was not prepared.
 * - `abort-transaction` forgets everything; with `onlyExpired` only one that is open and has expired.
 *
 * Each may be repeated, and has the same outcome then. What the transaction's state does not allow is refused as
 * `transaction_finished` or `transaction_expired`, and leaves it as it is.
 */
export interface FinishChange {
  readonly kind: "prepare-transaction" | "commit-transaction" | "abort-transaction";
  readonly transaction: TransactionRef;
  /** Also when another caller began it. */
  readonly force?: boolean;
  readonly onlyExpired?: boolean;
  /** How many changes the caller was told of: with fewer, an open one is refused as `transaction_conflict`. */
  readonly steps?: number;
  /** So many changes that they shall share no group with others. */
  readonly isLarge?: boolean;
}

/** Enters a webhook, or gives one that is known another target; how far it is stays. */
export interface SetWebhookChange {
  readonly kind: "set-webhook";
  readonly webhook: WebhookSettings;
  readonly idempotency?: Idempotency;
}

/** Removes a webhook; one that is not there is removed all the same. */
export interface DropWebhookChange {
  readonly kind: "drop-webhook";
  readonly id: string;
}

export interface NodeSettings {
  readonly id: NodeId;
  readonly name: NodeName;
  /** Where peers and clients reach it: scheme, host, port. */
  readonly url: string;
  readonly zone: string;
  /** What the operator set; `down` is never set but seen from missing heartbeats. */
  readonly state: Exclude<NodeStateName, "down">;
  /** Ids of its volumes: one that is listed here must be there when the node starts. */
  readonly volumes: readonly string[];
}

export interface FileRecord extends FileContent {
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  /** Journal number of the entry that made it current. */
  readonly version: number;
  /** By the catalog's clock; never runs backwards along the versions. */
  readonly modified: Date;
}

/** Content that a key named before: from the change that superseded it until the horizon passes that. */
export interface FormerVersion extends FileRecord {
  /** Journal number of the put, delete or purge that ended it. */
  readonly supersededBy: number;
  readonly supersededMs: number;
}

export type ChangeOutcome = ChangeDone | ChangeRefused;

export interface ChangeDone {
  readonly ok: true;
  /** Journal number of the change (of the put half for a rename). */
  readonly version: number;
  readonly modified: Date;
  /** For puts: nodes that hold the blob fsynced, and nodes that should (`NODE_STATES[…].owes`), both seen under the lock. */
  readonly copies: number;
  readonly holders: number;
  /** Nodes that now owe this blob: worth a nudge. */
  readonly owing: readonly NodeId[];
  /** Nodes that had the entry fsynced in their mirrors when it was answered; absent where nobody counts them. */
  readonly mirrors?: number;
  /** True when this is the recorded answer of an earlier arrival of the same idempotency key. */
  readonly replayed: boolean;
  /** For puts: what the answer of a replay must repeat, since the bytes sent the second time may have been others. */
  readonly content?: { readonly digest: Digest; readonly sizeBytes: number };
  /** For changes of many keys or versions: how many were given content, and how many were taken away. */
  readonly counts?: { readonly restored: number; readonly removed: number };
  /** For what is staged: how many changes the transaction has accepted with it. */
  readonly steps?: number;
  /** For changes of a transaction itself: what it is now. */
  readonly transaction?: TransactionRow;
}

export interface ChangeRefused {
  readonly ok: false;
  readonly error: KoboldError;
}
