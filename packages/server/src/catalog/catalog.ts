import type { Digest, FileKey, NamespaceInfo, NamespaceName, NodeId, TransactionState } from "@koboldfs/protocol";
import type { Change, ChangeOutcome, FileRecord, FormerVersion, Moment, NodeSettings } from "../model/change.js";
import type { PlannedPurge } from "../model/commit-plan.js";
import type { BlobName, KnownHistory, VersionRef } from "../model/commit-view.js";
import type { JournalGroup } from "../model/journal-group.js";
import type { PlacedProgress } from "../model/placed-progress.js";
import type { WebhookProgress, WebhookSettings } from "../model/webhook.js";
import type { NamespaceHorizon } from "../model/plan-horizon.js";
import type { KeyLock, StagedChange } from "../model/staged-change.js";
import type { TransactionId, TransactionRow } from "../model/transaction.js";

/**
 * The one way anything of the cluster changes.
 *
 * Changes that arrive while a commit runs share the next one. Each change is decided alone under the journal's lock: a
 * bad one is refused in its outcome and never hurts its neighbours. An outcome is certain: after a cut connection it
 * is settled in the database before it is told. Rejects with `catalog_unavailable` or `commit_contended` only when
 * nothing of the change was committed and nothing will be.
 */
export interface CommitCatalog {
  commit(change: Change): Promise<ChangeOutcome>;
  /** Several changes in one commit, decided in order, each alone. Outcomes stand in the order of the changes. */
  commitAll(changes: readonly Change[]): Promise<ChangeOutcome[]>;
  /** A change will come when this work has ended: what could be committed now waits for it, a moment at most, to share the commit. */
  expectAfter(work: Promise<unknown>): void;
}

export interface OutcomeCatalog {
  /**
   * Whether a change with this idempotency key was committed, as seen now: who would refuse a change before it is
   * committed asks first, since a second arrival must get the answer of the first.
   */
  isRecorded(idempotencyKey: string): Promise<boolean>;
}

export interface ListQuery {
  readonly prefix?: string;
  /** Keys with this text after the prefix are folded into one prefix entry; found by skipping, not by scanning. */
  readonly delimiter?: string;
  /** Only keys (and prefixes) behind this one, bytewise. */
  readonly after?: string;
  /** 1 to 1,000 entries, files and prefixes together. */
  readonly limit: number;
}

export interface ListPage {
  readonly files: readonly FileRecord[];
  readonly prefixes: readonly string[];
  /** The `after` of the next page; undefined on the last. */
  readonly next?: string;
}

/** A file, and the prepared transaction that may be about to change it. */
export interface HeldFile extends FileRecord {
  readonly heldBy?: TransactionId;
}

/**
 * Reads see everything acknowledged before they were asked. Files that have expired are absent, by the catalog's clock.
 * All throw `catalog_unavailable`.
 */
export interface FileCatalog {
  findFile(namespace: NamespaceName, key: FileKey): Promise<HeldFile | undefined>;
  /** Bytewise order of keys. Throws `namespace_not_found`. */
  listFiles(namespace: NamespaceName, query: ListQuery): Promise<ListPage>;
}

export interface TransactionPage {
  /** By id. */
  readonly transactions: readonly TransactionRow[];
  /** The `after` of the next page; undefined on the last. */
  readonly next?: TransactionId;
}

/**
 * Transactions and what they see. They change by commits (`TransactionChange`), and only there is decided what they may
 * do: reads here answer for whoever asks.
 */
export interface TransactionCatalog {
  findTransaction(id: TransactionId): Promise<TransactionRow | undefined>;
  /** At most `limit` (1 to 1,000); those that ended are kept for 30 days. */
  listTransactions(query: { state?: TransactionState; after?: string; limit: number }): Promise<TransactionPage>;
  /** Every one that is open or prepared. */
  listUnfinishedTransactions(): Promise<TransactionRow[]>;
  /** Open ones whose time is over; at most `limit`. */
  listExpiredTransactions(limit: number): Promise<TransactionRow[]>;
  /** What it has staged, by namespace and key; at most `limit`. */
  listStaged(id: TransactionId, limit: number): Promise<StagedChange[]>;
  findStaged(id: TransactionId, namespace: NamespaceName, key: FileKey): Promise<StagedChange | undefined>;
  /** As `listFiles`, with what the transaction has staged in place of what is committed; staged files have version 0. */
  listFilesIn(id: TransactionId, namespace: NamespaceName, query: ListQuery): Promise<ListPage>;
  /** The prepared transaction that holds the key, whether there is such a file or not. */
  findLock(namespace: NamespaceName, key: FileKey): Promise<KeyLock | undefined>;
  /** Blobs that were placed on the node, or on it only, and are staged: no debt tells of them yet. */
  countStagedOn(node: NodeId, which: "any" | "sole"): Promise<BlobCount>;
  /** Puts off the end of an open one by its time to live. False, and nothing happens, when it has ended or expired. */
  renewTransaction(id: TransactionId): Promise<boolean>;
  /** Forgets what came of transactions that ended longer ago than `olderThanMs`, at most `limit`; answers how many. */
  pruneTransactions(olderThanMs: number, limit: number): Promise<number>;
}

/** One state of a key in its history: content, or the moment from which on it named nothing. */
export type KeyVersion =
  | { readonly kind: "content"; readonly file: FileRecord }
  | { readonly kind: "tombstone"; readonly version: number; readonly modified: Date };

export interface VersionPage {
  /** The newest first. */
  readonly versions: readonly KeyVersion[];
  /** The `before` of the next page; undefined on the last. */
  readonly next?: number;
}

export type { NamespaceHorizon };

export interface DeletedPage {
  /** The last content of each key, and since when it names nothing. */
  readonly files: readonly FormerVersion[];
  /** The `after` of the next page; undefined on the last. */
  readonly next?: string;
}

/**
 * What keys named before, down to each namespace's horizon. All throw `namespace_not_found`; those with a moment throw
 * `history_gone` when it is below the horizon.
 */
export interface HistoryCatalog {
  /**
   * The state as of a journal number, or as of a time by the catalog's clock, which may be said as its age. Throws
   * `invalid_request` beyond the head.
   */
  getMoment(at: { number: number } | { timeMs: number } | { ageMs: number }): Promise<Moment>;
  listHorizons(): Promise<NamespaceHorizon[]>;
  /** Whether the namespace has former versions that were superseded at or below `horizon`. */
  hasHistory(namespace: NamespaceName, horizon: number): Promise<boolean>;
  findFileAsOf(namespace: NamespaceName, key: FileKey, at: Moment): Promise<FileRecord | undefined>;
  /** As `listFiles`. */
  listFilesAsOf(namespace: NamespaceName, query: ListQuery, at: Moment): Promise<ListPage>;
  /** One version of the key, current or not. */
  findVersion(namespace: NamespaceName, key: FileKey, version: number): Promise<FileRecord | undefined>;
  /** At most `limit` (1 to 1,000) contents of the key below version `before`, and the tombstones among them. */
  listVersions(namespace: NamespaceName, key: FileKey, page: { before?: number; limit: number }): Promise<VersionPage>;
  /** Keys that were deleted and can be undeleted, in byte order. Takes no delimiter. */
  listDeleted(namespace: NamespaceName, query: Omit<ListQuery, "delimiter">): Promise<DeletedPage>;
}

export interface NamespaceCatalog {
  findNamespace(name: NamespaceName): Promise<NamespaceInfo | undefined>;
  listNamespaces(): Promise<NamespaceInfo[]>;
}

export interface NodeRecord extends NodeSettings {
  /** Milliseconds since the last heartbeat, by the catalog's clock. */
  readonly heartbeatAgeMs: number;
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Journal number of the node's entry: everything before it is backfilled. */
  readonly joinedAt: number;
  /** The node holds, or owes, everything up to this number. Complete when it reaches `joinedAt`. */
  readonly backfillPosition: number;
}

export interface NodeCatalog {
  listNodes(): Promise<NodeRecord[]>;
  /** Says that the node lives, and how full it is; answers every node as `listNodes`. Outside the journal. */
  heartbeat(node: NodeId, space: { freeBytes: number; totalBytes: number }): Promise<NodeRecord[]>;
  /** Moves the backfill position forward, never back. */
  setBackfillPosition(node: NodeId, position: number): Promise<void>;
}

/** A blob that a node should hold and does not yet. */
export interface Debt {
  readonly node: NodeId;
  readonly namespace: NamespaceName;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Copies known to exist when the debt was made: fewer is more urgent. */
  readonly copies: number;
}

/** A place in the order of all debts. */
export type DebtSpot = Pick<Debt, "node" | "namespace" | "digest">;

export interface DebtCatalog {
  /**
   * The node's debts, fewest copies first, oldest first among those. At most `limit` (1 to 1,000), without the first
   * `skip` (default 0): so that debts that nobody can pay do not hide those behind them.
   */
  listDebts(node: NodeId, limit: number, skip?: number): Promise<Debt[]>;
  /** Idempotent: debts that are gone already are passed over. The blobs must be durable on the node before this call. */
  settleDebts(debts: readonly Debt[]): Promise<void>;
  /** Idempotent: records that the node lacks a blob it was thought to hold. Throws `catalog_retired`. */
  addDebt(debt: Debt): Promise<void>;
  /** How much each node owes, and the journal number of its oldest debt. Nodes that owe nothing are left out. */
  countDebts(): Promise<DebtCount[]>;
}

export interface BlobCount {
  readonly files: number;
  readonly bytes: bigint;
}

export interface DebtCount extends BlobCount {
  readonly node: NodeId;
  /** Journal number at which the oldest of them was made. */
  readonly oldest: number;
}

/** Blobs that at least `atLeast` of the nodes `by` owe (one node or more), and that the node `notBy` does not. */
export interface OwedQuestion {
  readonly by: readonly NodeId[];
  readonly atLeast: number;
  readonly notBy: NodeId;
}

/** A blob that the journal names, and so every node should hold. */
export interface StoredBlobRecord {
  readonly namespace: NamespaceName;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** A place in the order of digests, and within one digest of namespaces. */
export interface BlobSpot {
  readonly digest: string;
  /** Empty: before every namespace. */
  readonly namespace: string;
}

/** Who has which bytes, as debts and the journal tell it. */
export interface CopyCatalog {
  countOwed(question: OwedQuestion): Promise<BlobCount>;
  /** The first `limit` of them, by namespace and digest. */
  listOwed(question: OwedQuestion, limit: number): Promise<StoredBlobRecord[]>;
  /** Of these blobs (at most 1,000), those that the node owes. */
  listOwedBy(node: NodeId, blobs: readonly BlobName[]): Promise<BlobName[]>;
  /** Every blob that the journal names, each once. Reads all of it. */
  countBlobs(): Promise<BlobCount>;
  /** Former versions, whatever the horizons. Reads all of them. */
  countVersions(): Promise<BlobCount>;
  /** Keys that name the blob or named it, with the version; the newest first. */
  listNamesOf(blob: BlobName, limit: number): Promise<VersionRef[]>;
  /** Blobs that the journal names, by digest and namespace, behind `after` and up to the digest `until`. */
  listBlobs(range: { after: BlobSpot; until: string; limit: number }): Promise<StoredBlobRecord[]>;
}

/** One blob reference of the journal: what backfill walks. */
export interface JournalBlob {
  readonly number: number;
  readonly namespace: NamespaceName;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface JournalCatalog {
  head(): Promise<KnownHistory>;
  /** The hash of the group that ends in `number`; undefined when none does. */
  findGroupHash(number: number): Promise<string | undefined>;
  /** Whole groups whose last number is above `after`, in order, at most `limit` of them. */
  listGroups(after: number, limit: number): Promise<JournalGroup[]>;
  /** The time of the group that holds the entry; undefined when there is none. */
  findEntryTime(number: number): Promise<Date | undefined>;
  /** Entries with content, above `after` and up to `until`, in order, at most `limit`. */
  listJournalBlobs(range: { after: number; until: number; limit: number }): Promise<JournalBlob[]>;
}

/** For a catalog that lacks what was committed once, and for telling such copies of it apart. */
export interface CompletionCatalog {
  /**
   * Puts groups behind the head with their own numbers, and everything that they imply into the other tables; every
   * holder is to look for the blobs that they name. One transaction, in which the catalog also comes to `epoch`. False,
   * and nothing happens, when they do not continue the head as it is under the lock. Throws `catalog_unavailable`; then
   * ask for the head: it may have happened.
   */
  completeJournal(groups: readonly JournalGroup[], epoch: number): Promise<boolean>;
  /**
   * As `completeJournal`, for a catalog that is made anew: it is unfinished (`UNFINISHED_EPOCH`) until an epoch is raised,
   * and every node counts as never backfilled. Outcomes from before `outcomesSinceMs` are too old to be asked for: left out.
   */
  rebuildJournal(groups: readonly JournalGroup[], outcomesSinceMs: number): Promise<boolean>;
  /** Makes what `rebuildJournal` left for the end: to be called before an epoch is raised. Idempotent. */
  indexJournal(): Promise<void>;
  /** As `addDebt`, of many; `copies` of those that are owed already become what is said here. */
  addDebts(debts: readonly Debt[]): Promise<void>;
  /** Debts of all nodes, by node, namespace and digest, behind `after`; at most `limit`. */
  listAllDebts(after: DebtSpot | undefined, limit: number): Promise<Debt[]>;
  /** Begins this epoch unless it has begun. */
  raiseEpoch(epoch: number): Promise<void>;
  /** From when it resolves nothing is committed any more, whoever tries; all nodes read from their mirrors. Idempotent. */
  retire(): Promise<void>;
  /** Takes `retire` back. */
  revive(): Promise<void>;
}

/** Who wants to be told of changes, and how far each is. */
export interface WebhookRecord extends WebhookSettings, WebhookProgress {}

export interface WebhookCatalog {
  /** By id. */
  listWebhooks(): Promise<WebhookRecord[]>;
  /** Outside of the journal. Nothing happens for one that is gone or further already, or in a history without the point. */
  noteWebhookProgress(progress: PlacedProgress): Promise<void>;
}

export interface LeaseCatalog {
  /**
   * Claims `name` for `holder` until `ttlMs` from now by the catalog's clock, or renews the holder's own claim.
   * False when another holder's claim still runs. A lease saves work; it never protects data.
   */
  acquireLease(name: string, holder: string, ttlMs: number): Promise<boolean>;
  /** Gives the claim up early; nothing happens when it is not the holder's. */
  releaseLease(name: string, holder: string): Promise<void>;
}

/** Which blobs something refers to. Absence of an answer is never taken for an answer: all throw instead. */
export interface ReferenceCatalog {
  /** Of these blobs (at most 1,000), those that nothing refers to, as seen now: a first look, not enough to act on. */
  listUnreferenced(blobs: readonly BlobName[]): Promise<BlobName[]>;
  /** As `listUnreferenced`, but seen while the journal's lock is held: no commit is under way. */
  confirmUnreferenced(blobs: readonly BlobName[]): Promise<BlobName[]>;
  /** Strikes off those of the debts whose blob nothing refers to any more, seen under the journal's lock; answers how many. */
  dropIdleDebts(debts: readonly Debt[]): Promise<number>;
}

/** Blobs that nodes were told to unlink at once. */
export interface PurgeCatalog {
  /** What the node has still to obey, in the order in which it was told. */
  listPurges(node: NodeId, limit: number): Promise<PlannedPurge[]>;
  /** Says that these were obeyed: the blob is off the node's disks, durably, or something refers to it again. */
  endPurges(purges: readonly PlannedPurge[]): Promise<void>;
  /** Nodes that have not obeyed everything of the journal numbers above `after` and up to `until`. */
  listPurgingNodes(range: { after: number; until: number }): Promise<NodeId[]>;
}

export interface ExpiryCatalog {
  /** Files that have expired, are not deleted yet, and that no prepared transaction holds; at most `limit`. */
  listExpired(limit: number): Promise<FileRecord[]>;
}

/** What nobody needs any more, removed in bounded batches. */
export interface PruneCatalog {
  /**
   * Removes former versions that their namespace's horizon has passed, and those of namespaces that are gone, with
   * their entries; at most `limit`. Answers how many went.
   */
  pruneVersions(limit: number): Promise<number>;
  /** Removes purges that were obeyed longer ago than `olderThanMs`. */
  prunePurges(olderThanMs: number): Promise<void>;
}

export interface MaintenanceCatalog {
  /** Removes recorded outcomes older than `olderThanMs`, at most `limit`; answers how many went. */
  pruneOutcomes(olderThanMs: number, limit: number): Promise<number>;
}

export interface Catalog
  extends CommitCatalog,
    OutcomeCatalog,
    FileCatalog,
    HistoryCatalog,
    TransactionCatalog,
    ReferenceCatalog,
    PurgeCatalog,
    ExpiryCatalog,
    NamespaceCatalog,
    NodeCatalog,
    DebtCatalog,
    CopyCatalog,
    JournalCatalog,
    CompletionCatalog,
    LeaseCatalog,
    WebhookCatalog,
    PruneCatalog,
    MaintenanceCatalog {
  /** The cluster's id, made when the catalog was created: 32 hex digits. */
  readonly clusterId: string;
  /** Engine name for people: `sqlite`, `postgres`, `mariadb`, … */
  readonly engine: string;
  /** Finishes what runs, refuses what comes, releases connections and threads. */
  close(): Promise<void>;
}
