import {
  type FileKey,
  KoboldError,
  type NamespaceInfo,
  type NamespaceName,
  type NodeId,
  type TransactionState,
} from "@koboldfs/protocol";
import type { Change, ChangeOutcome, FileRecord, Moment } from "../../model/change.js";
import type { PlannedPurge } from "../../model/commit-plan.js";
import type { BlobName, FileRef, KnownHistory } from "../../model/commit-view.js";
import type { PlacedProgress } from "../../model/placed-progress.js";
import { type JournalGroup, parseJournalGroup } from "../../model/journal-group.js";
import type { KeyLock, StagedChange } from "../../model/staged-change.js";
import type { TransactionId, TransactionRow } from "../../model/transaction.js";
import type {
  BlobCount,
  Catalog,
  Debt,
  DebtCount,
  DebtSpot,
  DeletedPage,
  HeldFile,
  JournalBlob,
  ListPage,
  ListQuery,
  NamespaceHorizon,
  NodeRecord,
  TransactionPage,
  VersionPage,
  WebhookRecord,
} from "../catalog.js";
import { GroupCommitter } from "../group-committer.js";
import { crashPoint } from "../../runtime/crash-points.js";
import { toHex, toText } from "./column-values.js";
import { FileLookups } from "./file-lookups.js";
import { listFiles } from "./list-files.js";
import { parseFoundHead } from "./queries/cluster-queries.js";
import { formatDebtSpot, parseDebtCountRow, parseDebtRow } from "./queries/debt-queries.js";
import { parseFileRow, parseLiveFileRow } from "./queries/file-queries.js";
import { parseBlobRow, parseGroupRow } from "./queries/journal-queries.js";
import { formatNamespaceInfo, parseNamespaceRow } from "./queries/namespace-queries.js";
import { parseNodeRecord } from "./queries/node-queries.js";
import { parsePurgeRow } from "./queries/purge-queries.js";
import type { SqlStatement } from "./sql-connection.js";
import type { SqlCatalogParts } from "./sql-catalog-parts.js";
import { withoutThose } from "./queries/reference-queries.js";
import { parseWebhookRow } from "./queries/webhook-queries.js";
import { SqlCopyReads } from "./sql-copy-reads.js";
import { SqlHistory } from "./sql-history.js";
import { SqlTransactions } from "./sql-transactions.js";
import { waitAtMost } from "./wait-at-most.js";

/** How long closing waits for commits that run: a database that is away must not keep a server from stopping. */
const CLOSE_WAIT_MS = 15_000;

export class SqlCatalog extends SqlCopyReads implements Catalog {
  readonly clusterId: string;
  readonly engine: string;
  readonly #parts: SqlCatalogParts;
  readonly #committer: GroupCommitter;
  readonly #lookups: FileLookups | undefined;
  readonly #history: SqlHistory;
  readonly #transactions: SqlTransactions;

  constructor(parts: SqlCatalogParts) {
    super(parts);
    this.clusterId = parts.clusterId;
    this.engine = parts.engine;
    this.#parts = parts;
    this.#history = new SqlHistory(parts);
    this.#transactions = new SqlTransactions(parts);
    this.#committer = new GroupCommitter((changes, release) => this.#commitGroup(changes, release));
    this.#lookups = parts.gathersLookups ? new FileLookups((refs) => this.#findFiles(refs)) : undefined;
  }

  commit(change: Change): Promise<ChangeOutcome> {
    return this.#committer.commit(change);
  }

  commitAll(changes: readonly Change[]): Promise<ChangeOutcome[]> {
    return this.#committer.commitAll(changes);
  }

  expectAfter(work: Promise<unknown>): void {
    this.#committer.expectAfter(work);
  }

  /** The database is free while the witness takes a group; the committer decides whether the next one begins or waits for it. */
  async #commitGroup(changes: readonly Change[], release: () => void): Promise<ChangeOutcome[]> {
    const { writer, witness } = this.#parts;
    const { outcomes, group } = await writer.commitGroup(changes, release, witness?.known());
    const number = Math.max(0, ...outcomes.map((outcome) => (outcome.ok ? outcome.version : 0)), group?.last ?? 0);
    if (witness === undefined || number === 0) return [...outcomes];
    release();
    crashPoint("commit.mirrors.before");
    const mirrors = await witness.confirm(number, group);
    crashPoint("commit.mirrors.done");
    return outcomes.map((outcome) => (outcome.ok ? { ...outcome, mirrors } : outcome));
  }

  async isRecorded(idempotencyKey: string): Promise<boolean> {
    return (await this.#read(this.#parts.queries.outcomes.findRecorded([idempotencyKey]))).length > 0;
  }

  async findFile(namespace: NamespaceName, key: FileKey): Promise<HeldFile | undefined> {
    if (this.#lookups !== undefined) return this.#lookups.find({ namespace, key });
    const [file] = await this.#findFiles([{ namespace, key }]);
    return file;
  }

  async #findFiles(refs: readonly FileRef[]): Promise<HeldFile[]> {
    return (await this.#read(this.#parts.queries.files.findLive(refs))).map(parseLiveFileRow);
  }

  async listFiles(namespace: NamespaceName, query: ListQuery): Promise<ListPage> {
    const page = await listFiles(this.#parts, namespace, query);
    // Only an empty page leaves open whether there is such a namespace: a file is always in one.
    const isEmpty = page.files.length === 0 && page.prefixes.length === 0;
    if (isEmpty && (await this.findNamespace(namespace)) === undefined) {
      throw new KoboldError("namespace_not_found", `there is no namespace ${namespace}`);
    }
    return page;
  }

  getMoment(at: { number: number } | { timeMs: number } | { ageMs: number }): Promise<Moment> {
    return this.#history.getMoment(at);
  }

  listHorizons(): Promise<NamespaceHorizon[]> {
    return this.#history.listHorizons();
  }

  hasHistory(namespace: NamespaceName, horizon: number): Promise<boolean> {
    return this.#history.hasHistory(namespace, horizon);
  }

  findFileAsOf(namespace: NamespaceName, key: FileKey, at: Moment): Promise<FileRecord | undefined> {
    return this.#history.findFileAsOf(namespace, key, at);
  }

  listFilesAsOf(namespace: NamespaceName, query: ListQuery, at: Moment): Promise<ListPage> {
    return this.#history.listFilesAsOf(namespace, query, at);
  }

  findVersion(namespace: NamespaceName, key: FileKey, version: number): Promise<FileRecord | undefined> {
    return this.#history.findVersion(namespace, key, version);
  }

  listVersions(namespace: NamespaceName, key: FileKey, page: { before?: number; limit: number }): Promise<VersionPage> {
    return this.#history.listVersions(namespace, key, page);
  }

  listDeleted(namespace: NamespaceName, query: Omit<ListQuery, "delimiter">): Promise<DeletedPage> {
    return this.#history.listDeleted(namespace, query);
  }

  findTransaction(id: TransactionId): Promise<TransactionRow | undefined> {
    return this.#transactions.findTransaction(id);
  }

  listTransactions(query: { state?: TransactionState; after?: string; limit: number }): Promise<TransactionPage> {
    return this.#transactions.listTransactions(query);
  }

  listUnfinishedTransactions(): Promise<TransactionRow[]> {
    return this.#transactions.listUnfinishedTransactions();
  }

  listExpiredTransactions(limit: number): Promise<TransactionRow[]> {
    return this.#transactions.listExpiredTransactions(limit);
  }

  listStaged(id: TransactionId, limit: number): Promise<StagedChange[]> {
    return this.#transactions.listStaged(id, limit);
  }

  findStaged(id: TransactionId, namespace: NamespaceName, key: FileKey): Promise<StagedChange | undefined> {
    return this.#transactions.findStaged(id, namespace, key);
  }

  listFilesIn(id: TransactionId, namespace: NamespaceName, query: ListQuery): Promise<ListPage> {
    return this.#transactions.listFilesIn(id, namespace, query);
  }

  findLock(namespace: NamespaceName, key: FileKey): Promise<KeyLock | undefined> {
    return this.#transactions.findLock(namespace, key);
  }

  countStagedOn(node: NodeId, which: "any" | "sole"): Promise<BlobCount> {
    return this.#transactions.countStagedOn(node, which);
  }

  renewTransaction(id: TransactionId): Promise<boolean> {
    return this.#parts.writer.renewTransaction(id);
  }

  pruneTransactions(olderThanMs: number, limit: number): Promise<number> {
    return this.#parts.writer.pruneTransactions(olderThanMs, limit);
  }

  async listUnreferenced(blobs: readonly BlobName[]): Promise<BlobName[]> {
    return withoutThose(blobs, await this.#read(this.#parts.queries.references.listReferenced(blobs)));
  }

  confirmUnreferenced(blobs: readonly BlobName[]): Promise<BlobName[]> {
    return this.#parts.writer.confirmUnreferenced(blobs);
  }

  dropIdleDebts(debts: readonly Debt[]): Promise<number> {
    return this.#parts.writer.dropIdleDebts(debts);
  }

  async listPurges(node: NodeId, limit: number): Promise<PlannedPurge[]> {
    return (await this.#read([this.#parts.queries.purges.listOpen({ node, limit })])).map(parsePurgeRow);
  }

  endPurges(purges: readonly PlannedPurge[]): Promise<void> {
    return this.#parts.writer.endPurges(purges);
  }

  async listPurgingNodes(range: { after: number; until: number }): Promise<NodeId[]> {
    const rows = await this.#read([this.#parts.queries.purges.listPending(range)]);
    return rows.map((row) => toText(row.node) as NodeId);
  }

  async listExpired(limit: number): Promise<FileRecord[]> {
    return (await this.#read([this.#parts.queries.files.listExpired({ limit })])).map(parseFileRow);
  }

  async findNamespace(name: NamespaceName): Promise<NamespaceInfo | undefined> {
    const rows = await this.#read(this.#parts.queries.namespaces.find([name]));
    return rows[0] && formatNamespaceInfo(parseNamespaceRow(rows[0]));
  }

  async listNamespaces(): Promise<NamespaceInfo[]> {
    const rows = await this.#read([this.#parts.queries.namespaces.list({})]);
    return rows.map((row) => formatNamespaceInfo(parseNamespaceRow(row)));
  }

  async listNodes(): Promise<NodeRecord[]> {
    const rows = await this.#read([this.#parts.queries.nodes.list({})]);
    return rows.map(parseNodeRecord);
  }

  async heartbeat(node: NodeId, space: { freeBytes: number; totalBytes: number }): Promise<NodeRecord[]> {
    await this.#parts.writer.heartbeat(node, space);
    return this.listNodes();
  }

  setBackfillPosition(node: NodeId, position: number): Promise<void> {
    return this.#parts.writer.setBackfillPosition(node, position);
  }

  async listDebts(node: NodeId, limit: number, skip = 0): Promise<Debt[]> {
    const rows = await this.#read([this.#parts.queries.debts.list({ node, limit, skip })]);
    return rows.map(parseDebtRow);
  }

  settleDebts(debts: readonly Debt[]): Promise<void> {
    return this.#parts.writer.settleDebts(debts);
  }

  addDebt(debt: Debt): Promise<void> {
    return this.#parts.writer.addDebt(debt);
  }

  addDebts(debts: readonly Debt[]): Promise<void> {
    return this.#parts.writer.addDebts(debts);
  }

  async listAllDebts(after: DebtSpot | undefined, limit: number): Promise<Debt[]> {
    const rows = await this.#read([this.#parts.queries.debts.listAll(formatDebtSpot(after, limit))]);
    return rows.map(parseDebtRow);
  }

  async countDebts(): Promise<DebtCount[]> {
    return (await this.#read([this.#parts.queries.debts.count({})])).map(parseDebtCountRow);
  }

  async head(): Promise<KnownHistory> {
    const [row] = await this.#read([this.#parts.queries.cluster.findHead({})]);
    if (row === undefined) throw new KoboldError("internal", "the catalog has no cluster row");
    return parseFoundHead(row);
  }

  async findGroupHash(number: number): Promise<string | undefined> {
    const [row] = await this.#read([this.#parts.queries.journal.findGroupHash({ last: number })]);
    return row && toHex(row.hash);
  }

  async listGroups(after: number, limit: number): Promise<JournalGroup[]> {
    const rows = await this.#read([this.#parts.queries.journal.listGroups({ after, limit })]);
    return rows.map(parseGroupRow);
  }

  async findEntryTime(number: number): Promise<Date | undefined> {
    const [group] = await this.listGroups(number - 1, 1);
    return group && new Date(parseJournalGroup(group.bytes).timeMs);
  }

  async listJournalBlobs(range: { after: number; until: number; limit: number }): Promise<JournalBlob[]> {
    return (await this.#read([this.#parts.queries.journal.listBlobs(range)])).map(parseBlobRow);
  }

  async completeJournal(groups: readonly JournalGroup[], epoch: number): Promise<boolean> {
    return groups.length === 0 || this.#parts.writer.completeJournal(groups, epoch);
  }

  rebuildJournal(groups: readonly JournalGroup[], outcomesSinceMs: number): Promise<boolean> {
    return this.#parts.writer.rebuildJournal(groups, outcomesSinceMs);
  }

  indexJournal(): Promise<void> {
    return this.#parts.writer.indexJournal();
  }

  raiseEpoch(epoch: number): Promise<void> {
    return this.#parts.writer.raiseEpoch(epoch);
  }

  retire(): Promise<void> {
    return this.#parts.writer.retire();
  }

  revive(): Promise<void> {
    return this.#parts.writer.revive();
  }

  async listWebhooks(): Promise<WebhookRecord[]> {
    const { queries, runner } = this.#parts;
    return (await runner.run(queries.webhooks.list({}))).rows.map(parseWebhookRow);
  }

  noteWebhookProgress(progress: PlacedProgress): Promise<void> {
    return this.#parts.writer.noteWebhookProgress(progress);
  }

  acquireLease(name: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#parts.writer.acquireLease(name, holder, ttlMs);
  }

  releaseLease(name: string, holder: string): Promise<void> {
    return this.#parts.writer.releaseLease(name, holder);
  }

  pruneOutcomes(olderThanMs: number, limit: number): Promise<number> {
    return this.#parts.writer.pruneOutcomes(olderThanMs, limit);
  }

  pruneVersions(limit: number): Promise<number> {
    return this.#parts.writer.pruneVersions(limit);
  }

  prunePurges(olderThanMs: number): Promise<void> {
    return this.#parts.writer.prunePurges(olderThanMs);
  }

  async close(): Promise<void> {
    await waitAtMost(CLOSE_WAIT_MS, this.#committer.close());
    await this.#parts.writer.close();
    await this.#parts.release();
  }

  async #read<Row>(statements: readonly SqlStatement<Row>[]): Promise<Row[]> {
    const rows: Row[] = [];
    for (const statement of statements) {
      const result = await this.#parts.runner.run(statement);
      for (const row of result.rows) rows.push(row);
    }
    return rows;
  }
}
