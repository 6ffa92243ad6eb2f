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

/** What a caller wants changed. Every change of the cluster, settings included, goes through `CommitCatalog.commit`. */
export type Change =
  | PutChange
  | DeleteChange
  | CopyChange
  | RenameChange
  | SetNamespaceChange
  | DropNamespaceChange
  | SetNodeChange
  | SetNodeStateChange
  | RefillNodeChange;

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

export interface FileContent {
  readonly digest: Digest;
  /** At most Number.MAX_SAFE_INTEGER (8 PiB). */
  readonly sizeBytes: number;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

interface FileChange {
  readonly namespace: NamespaceName;
  readonly precondition?: Precondition;
  readonly idempotency?: Idempotency;
}

export interface PutChange extends FileChange {
  readonly kind: "put";
  readonly key: FileKey;
  readonly content: FileContent;
  /** Nodes that have the blob fsynced. */
  readonly placedOn: readonly NodeId[];
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

/** Creates the namespace or replaces its policy. */
export interface SetNamespaceChange {
  readonly kind: "set-namespace";
  readonly namespace: NamespaceName;
  readonly policy: NamespacePolicy;
}

/** Refused as `namespace_not_empty` while it has a live file. */
export interface DropNamespaceChange {
  readonly kind: "drop-namespace";
  readonly namespace: NamespaceName;
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
}

export interface ChangeRefused {
  readonly ok: false;
  readonly error: KoboldError;
}
