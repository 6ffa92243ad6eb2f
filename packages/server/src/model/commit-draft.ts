import type { FileContent, FileRecord, FormerVersion } from "./change.js";
import type { DebtRef, PlannedDebt, PlannedPurge } from "./commit-plan.js";
import {
  type CommitView,
  type FileRef,
  formatFileRef,
  type NamespaceRow,
  type NodeRow,
  formatVersionRef,
  type KeyDifference,
  type PurgeOrder,
  type RecordedOutcome,
  type VersionRef,
} from "./commit-view.js";
import type { JournalEntry } from "./journal-entry.js";
import { formatStagedRef, type KeyLock, type StagedChange } from "./staged-change.js";
import { type TransactionId, type TransactionRow } from "./transaction.js";
import type { WebhookRow } from "./webhook.js";

/** What an entry takes in the journal besides its key and the headers of its content. */
const ENTRY_BYTES = 160;

type Unnumbered<Entry> = Entry extends JournalEntry ? Omit<Entry, "number"> : never;

/**
 * The state of the catalog while a group is decided: the view, and on top of it the effect of the changes decided so
 * far. Deciders look first and write last, so that a refused change has written nothing.
 */
export class CommitDraft {
  readonly entries: JournalEntry[] = [];
  readonly files = new TouchedMap<FileRecord>();
  readonly namespaces = new TouchedMap<NamespaceRow>();
  readonly nodes = new TouchedMap<NodeRow>();
  readonly recorded = new TouchedMap<RecordedOutcome>();
  readonly formers = new TouchedMap<FormerVersion>();
  readonly entriesToForget: number[] = [];
  readonly purgesToAdd = new Map<string, PlannedPurge>();
  readonly transactions = new TouchedMap<TransactionRow>();
  readonly staged = new TouchedMap<StagedChange>();
  /** Transactions that hold what they staged from now on, and those of which nothing is left. */
  readonly transactionsToLock = new Set<TransactionId>();
  readonly transactionsToClear = new Set<TransactionId>();
  readonly #locks = new Map<string, KeyLock>();
  readonly differences: readonly KeyDifference[];
  readonly nowMs: number;
  readonly monotonicMs: number;
  readonly debtsToAdd = new Map<string, PlannedDebt>();
  readonly debtsToClear = new Map<string, DebtRef>();
  readonly webhooksToPut = new Map<string, WebhookRow>();
  readonly webhooksToRemove = new Set<string>();
  readonly #headNumber: number;
  readonly #hasDebts: boolean;
  readonly #purges: readonly PurgeOrder[];
  #hasBlobs: boolean;
  #sizeBytes = 0;
  #timeMs: number;

  constructor(view: CommitView) {
    // The clock of a machine may step back; the journal's does not.
    this.#timeMs = Math.max(view.nowMs, view.head.timeMs);
    this.nowMs = view.nowMs;
    this.monotonicMs = view.monotonicMs;
    this.differences = view.differences;
    this.#purges = view.purges;
    this.#headNumber = view.head.number;
    this.#hasDebts = view.hasDebts;
    this.#hasBlobs = view.hasBlobs;
    for (const file of view.files) this.files.load(formatFileRef(file), file);
    for (const { now } of view.differences) if (now !== undefined) this.files.load(formatFileRef(now), now);
    for (const former of view.formers) this.formers.load(formatVersionRef(former), former);
    for (const namespace of view.namespaces) this.namespaces.load(namespace.name, namespace);
    for (const node of view.nodes) this.nodes.load(node.id, node);
    for (const outcome of view.recorded) this.recorded.load(outcome.key, outcome);
    for (const row of view.transactions) this.transactions.load(row.id, row);
    for (const change of view.staged) this.staged.load(formatStagedRef(change), change);
    for (const lock of view.locks) this.#locks.set(formatFileRef(lock), lock);
  }

  /** When the changes decided now happen. */
  get timeMs(): number {
    return this.#timeMs;
  }

  /** Several groups, each with its time, may be replayed into one draft. */
  moveTime(timeMs: number): void {
    this.#timeMs = timeMs;
  }

  get hasBlobs(): boolean {
    return this.#hasBlobs;
  }

  /** About what the file entries so far take in the journal. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** For entries that name no file, but hold changes of many. */
  noteSize(bytes: number): void {
    this.#sizeBytes += bytes;
  }

  /** The journal's last number before this group. */
  get headNumber(): number {
    return this.#headNumber;
  }

  /** The number that the next entry gets. */
  get nextNumber(): number {
    return this.#headNumber + this.entries.length + 1;
  }

  append(entry: Unnumbered<JournalEntry>): number {
    const number = this.nextNumber;
    this.entries.push({ ...entry, number } as JournalEntry);
    return number;
  }

  /** What the key names; a file that has expired names nothing, though it is not deleted yet. */
  findFile(ref: FileRef): FileRecord | undefined {
    const file = this.findStoredFile(ref);
    return file === undefined || isExpired(file, this.timeMs) ? undefined : file;
  }

  findStoredFile(ref: FileRef): FileRecord | undefined {
    return this.files.get(formatFileRef(ref));
  }

  /** The newest first. */
  listFormers(ref: FileRef): FormerVersion[] {
    const own = [...this.formers.values()].filter(
      ({ namespace, key }) => namespace === ref.namespace && key === ref.key,
    );
    return own.sort((a, b) => b.version - a.version);
  }

  /** Orders about this blob that were given before this group, and those of this group. */
  listPurges({ namespace, digest }: Omit<DebtRef, "node">): PurgeOrder[] {
    const all: PurgeOrder[] = [...this.#purges, ...this.purgesToAdd.values()];
    return all.filter((order) => order.namespace === namespace && order.digest === digest);
  }

  /** Journals and names the content; the namespace's usage follows. Answers the version. */
  putFile(ref: FileRef, content: FileContent): number {
    const { namespace, key } = ref;
    const copy = copyContent(content);
    const version = this.append({ kind: "put", namespace, key, content: copy });
    this.#keepFormer(ref, version);
    this.#replaceFile(ref, { ...copy, namespace, key, version, modified: new Date(this.timeMs) });
    this.#hasBlobs = true;
    return version;
  }

  removeFile(ref: FileRef): number {
    const version = this.append({ kind: "delete", namespace: ref.namespace, key: ref.key });
    this.#keepFormer(ref, version);
    this.#replaceFile(ref, undefined);
    return version;
  }

  /** The version is gone for ever: whether it is what the key names now, or was before. */
  purgeVersion({ namespace, key, version }: VersionRef, digest: FileContent["digest"]): number {
    const number = this.append({ kind: "purge", namespace, key, version, digest });
    const former = this.formers.get(formatVersionRef({ namespace, key, version }));
    if (former !== undefined) this.formers.remove(formatVersionRef(former), former);
    if (this.findStoredFile({ namespace, key })?.version === version) this.#replaceFile({ namespace, key }, undefined);
    this.entriesToForget.push(version);
    for (const { id: node, state } of this.nodes.values()) {
      if (state === "dead") continue;
      const order = { node, namespace, digest, number };
      this.purgesToAdd.set(formatDebtRef(order), order);
    }
    return number;
  }

  #keepFormer(ref: FileRef, supersededBy: number): void {
    const before = this.findStoredFile(ref);
    if (before === undefined) return;
    this.formers.set(formatVersionRef(before), { ...before, supersededBy, supersededMs: this.timeMs });
  }

  #replaceFile(ref: FileRef, next: FileRecord | undefined): void {
    this.#sizeBytes += sizeOfEntry(ref.key, next);
    const before = this.findStoredFile(ref);
    if (next === undefined) this.files.remove(formatFileRef(ref), before);
    else this.files.set(formatFileRef(ref), next);
    const usage = this.namespaces.get(ref.namespace);
    if (usage === undefined) throw new Error(`namespace ${ref.namespace} was not checked before its file was changed`);
    const files = usage.files + (next ? 1 : 0) - (before ? 1 : 0);
    const bytes = usage.bytes + BigInt(next?.sizeBytes ?? 0) - BigInt(before?.sizeBytes ?? 0);
    this.namespaces.set(usage.name, { ...usage, files, bytes });
  }

  findLock(ref: FileRef): KeyLock | undefined {
    return this.#locks.get(formatFileRef(ref));
  }

  /** Of the stretch's locks one, if any; only of stretches that the view was asked for. */
  findLockBelow(namespace: string, prefix: string): KeyLock | undefined {
    return [...this.#locks.values()].find((lock) => lock.namespace === namespace && lock.key.startsWith(prefix));
  }

  listStaged(transaction: TransactionId): StagedChange[] {
    return [...this.staged.values()].filter((change) => change.transaction === transaction);
  }

  /** Everything that the transaction staged, and no other one holds, is its own until it is cleared. */
  lockStaged(transaction: TransactionId): void {
    for (const change of this.listStaged(transaction)) {
      if (this.findLock(change) === undefined) this.#locks.set(formatFileRef(change), change);
    }
    this.transactionsToLock.add(transaction);
  }

  clearStaged(transaction: TransactionId): void {
    for (const change of this.listStaged(transaction)) this.staged.remove(formatStagedRef(change), change);
    for (const [id, lock] of this.#locks) if (lock.transaction === transaction) this.#locks.delete(id);
    this.transactionsToLock.delete(transaction);
    this.transactionsToClear.add(transaction);
  }

  addDebt(debt: PlannedDebt): void {
    const id = formatDebtRef(debt);
    this.debtsToAdd.set(id, debt);
    this.debtsToClear.delete(id);
  }

  clearDebt(ref: DebtRef): void {
    const id = formatDebtRef(ref);
    this.debtsToAdd.delete(id);
    if (this.#hasDebts) this.debtsToClear.set(id, ref);
  }
}

/** About what the entry that names this content, or none, takes in the journal. */
export function sizeOfEntry(key: string, content: FileContent | undefined): number {
  const keyBytes = ENTRY_BYTES + Buffer.byteLength(key);
  if (content === undefined) return keyBytes;
  return keyBytes + Buffer.byteLength(content.contentType) + Buffer.byteLength(JSON.stringify(content.metadata));
}

/** Whether the file reads as absent at this moment of the catalog's clock. */
export function isExpired({ expiresMs }: FileContent, timeMs: number): boolean {
  return expiresMs !== undefined && expiresMs <= timeMs;
}

/** The content without what else a record holds. */
function copyContent({ digest, sizeBytes, contentType, metadata, expiresMs }: FileContent): FileContent {
  return { digest, sizeBytes, contentType, metadata, ...(expiresMs !== undefined && { expiresMs }) };
}

function formatDebtRef(ref: DebtRef): string {
  return `${ref.node}\0${ref.namespace}\0${ref.digest}`;
}

/** A map that knows what was loaded, what was set since, and what of the loaded was removed. */
class TouchedMap<Value> {
  readonly #values = new Map<string, Value>();
  readonly #loaded = new Set<string>();
  readonly #removed = new Map<string, Value>();
  readonly #set = new Set<string>();

  load(id: string, value: Value): void {
    this.#values.set(id, value);
    this.#loaded.add(id);
  }

  get(id: string): Value | undefined {
    return this.#values.get(id);
  }

  values(): IterableIterator<Value> {
    return this.#values.values();
  }

  set(id: string, value: Value): void {
    this.#values.set(id, value);
    this.#set.add(id);
    this.#removed.delete(id);
  }

  remove(id: string, value: Value | undefined): void {
    this.#values.delete(id);
    this.#set.delete(id);
    if (value !== undefined && this.#loaded.has(id)) this.#removed.set(id, value);
  }

  /** What must be written. */
  listSet(): Value[] {
    return [...this.#set].map((id) => this.#values.get(id) as Value);
  }

  /** What must be removed: it was loaded and is gone. */
  listRemoved(): Value[] {
    return [...this.#removed.values()];
  }
}
