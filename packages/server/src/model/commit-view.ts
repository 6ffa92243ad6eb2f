import type { Digest, FileKey, NamespaceName, NamespacePolicy, NodeId } from "@koboldfs/protocol";
import type { Change, ChangeDone, FileRecord, FormerVersion, NodeSettings, RestorePrefixChange } from "./change.js";
import type { JournalPoint } from "./journal-history.js";
import { formatStagedRef, type KeyLock, type StagedChange } from "./staged-change.js";
import { type TransactionId, type TransactionRow } from "./transaction.js";

/** What a node knows to be committed, from its mirror. A catalog whose history does not contain it is not the one. */
export interface KnownHistory extends JournalPoint {
  /** The epoch of the catalog that the node knows; see `EpochRecord`. */
  readonly epoch: number;
}

/** What a commit decides on: read under the journal's lock, so that nothing of it can change before it is written. */
export interface CommitView {
  readonly head: JournalPoint & { readonly timeMs: number };
  /** How often the catalog was completed from a mirror or replaced by one. */
  readonly epoch: number;
  /** The catalog's clock now. */
  readonly nowMs: number;
  /** This process's monotonic clock, read while the lock was held. */
  readonly monotonicMs: number;
  /** The hash of the catalog's group that ends where the committing node's known history does, when it was asked for. */
  readonly hashAtKnown?: string | undefined;
  /** Of the keys in `ViewNeeds`, those that exist. */
  readonly files: readonly FileRecord[];
  /** Of the former versions in `ViewNeeds`, those that exist. */
  readonly formers: readonly FormerVersion[];
  /** Orders to purge one of the blobs in `ViewNeeds`, done or not. */
  readonly purges: readonly PurgeOrder[];
  /** What differs between then and now, for `ViewNeeds.restore`; at most one more than a commit restores. */
  readonly differences: readonly KeyDifference[];
  /** Of the namespaces in `ViewNeeds`, those that exist. */
  readonly namespaces: readonly NamespaceRow[];
  /** Every node of the cluster. */
  readonly nodes: readonly NodeRow[];
  /** Of the idempotency keys in `ViewNeeds`, those that were used. */
  readonly recorded: readonly RecordedOutcome[];
  /** The transactions in `ViewNeeds`, with those that are not finished, or that reserve room, when it asks for them. */
  readonly transactions: readonly TransactionRow[];
  /** Of the staged changes in `ViewNeeds`, those that exist. */
  readonly staged: readonly StagedChange[];
  /** Of the keys and stretches in `ViewNeeds`, what prepared transactions hold; of a stretch at least one if any. */
  readonly locks: readonly KeyLock[];
  /** Whether anything at all is owed; nearly always not, which saves a write per commit. */
  readonly hasDebts: boolean;
  /** Whether the journal names any blob yet: the first nodes of a cluster have nothing to be backfilled. */
  readonly hasBlobs: boolean;
}

export interface NamespaceRow {
  readonly name: NamespaceName;
  readonly policy: NamespacePolicy;
  readonly files: number;
  readonly bytes: bigint;
  readonly createdMs: number;
  /** What a key named before is kept if it was superseded above this journal number. */
  readonly horizon: number;
}

export interface NodeRow extends NodeSettings {
  readonly joinedAt: number;
  readonly backfillPosition: number;
}

/** What an idempotency key's first arrival got. Refusals are not recorded: they may be tried again. */
export interface RecordedOutcome {
  readonly key: string;
  readonly fingerprint: string;
  readonly outcome: ChangeDone;
}

export interface FileRef {
  readonly namespace: NamespaceName;
  readonly key: FileKey;
}

export interface VersionRef extends FileRef {
  readonly version: number;
}

/** A blob by name. */
export interface BlobName {
  readonly namespace: NamespaceName;
  readonly digest: Digest;
}

/** What a node was told to purge. */
export interface PurgeOrder extends BlobName {
  readonly node: NodeId;
  /** When the node had obeyed, by the catalog's clock; absent until then. */
  readonly doneMs?: number;
}

/** A key that is not now what it was at an earlier moment. */
export interface KeyDifference {
  readonly key: FileKey;
  /** What it names now. */
  readonly now?: FileRecord;
  /** What it named then. */
  readonly was?: FileRecord;
}

/** Which former versions of a key: one, the newest (above the horizon or not), or all, the newest first. */
export interface FormerNeed extends FileRef {
  readonly which: number | "newest" | "all";
}

/** Versions of one key that one commit purges: a key that was overwritten more often is purged in several. */
export const MAX_PURGED_VERSIONS = 1000;
/** Keys that one commit restores: their statements hold the journal's lock for about a second. */
export const MAX_RESTORED_KEYS = 10_000;

/** What must be read before the changes can be decided; each thing once. */
export interface ViewNeeds {
  readonly files: readonly FileRef[];
  readonly namespaces: readonly NamespaceName[];
  readonly idempotencyKeys: readonly string[];
  readonly formers: readonly FormerNeed[];
  /** Blobs that are about to be named. */
  readonly blobs: readonly BlobName[];
  readonly restore: RestorePrefixChange | undefined;
  readonly transactions: TransactionNeeds;
  /** Stretches of keys of which it matters whether a prepared transaction holds one. */
  readonly lockedRanges: readonly { readonly namespace: NamespaceName; readonly prefix: string }[];
}

export interface TransactionNeeds {
  readonly ids: readonly TransactionId[];
  /** All that are not finished: who stages or begins is bounded by what others hold. */
  readonly unfinished: boolean;
  /** Those that are prepared and reserve room: whoever takes room is bounded by what they will take. */
  readonly reserving: boolean;
  /** Transactions whose staged changes are needed, with the files and locks of their keys, and the namespaces. */
  readonly whole: readonly TransactionId[];
  readonly staged: readonly (FileRef & { readonly transaction: TransactionId })[];
}

export function listViewNeeds(changes: readonly Change[]): ViewNeeds {
  const files = new Map<string, FileRef>();
  const namespaces = new Set<NamespaceName>();
  const idempotencyKeys = new Set<string>();
  const blobs = new Map<string, BlobName>();
  for (const outer of changes) {
    const change = outer.kind === "stage" ? outer.change : outer;
    if (change.kind === "put") {
      const { namespace, content } = change;
      blobs.set(`${namespace}/${content.digest}`, { namespace, digest: content.digest });
    }
    if ("namespace" in change) namespaces.add(change.namespace);
    for (const ref of listFileRefs(change)) files.set(formatFileRef(ref), ref);
    if ("idempotency" in outer && outer.idempotency !== undefined) idempotencyKeys.add(outer.idempotency.key);
  }
  return {
    ...{ files: [...files.values()], namespaces: [...namespaces], idempotencyKeys: [...idempotencyKeys] },
    ...{ formers: changes.flatMap(listFormerNeeds), blobs: [...blobs.values()] },
    restore: changes.find((change) => change.kind === "restore-prefix"),
    transactions: listTransactionNeeds(changes),
    lockedRanges: changes.flatMap(listLockedRanges),
  };
}

/** What goes over everything that a transaction has staged. */
const NEEDS_WHOLE: ReadonlySet<Change["kind"]> = new Set([
  "prepare-transaction",
  "commit-transaction",
  "rejoin-transaction",
]);

/** What makes a namespace larger and is refused when it may not grow so. */
const TAKES_ROOM: ReadonlySet<Change["kind"]> = new Set([
  ...(["put", "copy", "undelete", "restore", "restore-prefix"] as const),
  ...(["prepare-transaction", "commit-transaction"] as const),
]);

function listTransactionNeeds(changes: readonly Change[]): TransactionNeeds {
  const ids = new Set<TransactionId>();
  const whole = new Set<TransactionId>();
  const staged = new Map<string, FileRef & { transaction: TransactionId }>();
  for (const change of changes) {
    if (!("transaction" in change)) continue;
    const { id } = change.transaction;
    ids.add(id);
    if (NEEDS_WHOLE.has(change.kind)) whole.add(id);
    if (change.kind !== "stage") continue;
    for (const ref of listFileRefs(change.change)) {
      staged.set(formatStagedRef({ ...ref, transaction: id }), { ...ref, transaction: id });
    }
  }
  const unfinished = changes.some(({ kind }) => kind === "stage" || kind === "begin-transaction");
  const reserving = changes.some(({ kind }) => TAKES_ROOM.has(kind));
  return { ids: [...ids], unfinished, reserving, whole: [...whole], staged: [...staged.values()] };
}

function listLockedRanges(change: Change) {
  if (change.kind === "restore-prefix") return [{ namespace: change.namespace, prefix: change.prefix }];
  return change.kind === "drop-namespace" ? [{ namespace: change.namespace, prefix: "" }] : [];
}

function listFormerNeeds(outer: Change): FormerNeed[] {
  const change = outer.kind === "stage" ? outer.change : outer;
  if (change.kind !== "undelete" && change.kind !== "restore" && change.kind !== "purge") return [];
  const { namespace, key } = change;
  if (change.kind === "undelete") return [{ namespace, key, which: "newest" }];
  return [{ namespace, key, which: change.version ?? "all" }];
}

/** The keys that a change reads or writes, as far as it names them itself. */
export function listFileRefs(change: Change): FileRef[] {
  switch (change.kind) {
    case "put":
    case "delete":
    case "undelete":
    case "restore":
    case "expire":
    case "purge":
    case "rejoin":
      return [{ namespace: change.namespace, key: change.key }];
    case "copy":
    case "rename":
      return [
        { namespace: change.namespace, key: change.from },
        { namespace: change.namespace, key: change.to },
      ];
    case "rejoin-transaction":
      return change.prepared.map(({ namespace, key }) => ({ namespace, key }));
    default:
      return [];
  }
}

export function formatVersionRef(ref: VersionRef): string {
  return `${formatFileRef(ref)}\0${ref.version}`;
}

/** One text for one file: neither a namespace nor a key can hold NUL. */
export function formatFileRef(ref: FileRef): string {
  return `${ref.namespace}\0${ref.key}`;
}
