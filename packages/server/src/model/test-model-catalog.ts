import type { Change, ChangeOutcome, FileRecord, FormerVersion, RestorePrefixChange } from "./change.js";
import { type CommitPlan, type DebtRef, type PlannedDebt, type PlannedGroup } from "./commit-plan.js";
import {
  type BlobName,
  type CommitView,
  type FormerNeed,
  formatFileRef,
  formatVersionRef,
  type KeyDifference,
  listViewNeeds,
  type NamespaceRow,
  type NodeRow,
  type PurgeOrder,
  type RecordedOutcome,
} from "./commit-view.js";
import { decideCommit } from "./decide-commit.js";
import { formatGenesisHash } from "./journal-group.js";
import { formatStagedRef, type KeyLock, type StagedChange } from "./staged-change.js";
import { isUnfinished, type TransactionRow } from "./transaction.js";

/** The id of every cluster that exists only in tests. */
export const TEST_CLUSTER = "0".repeat(32);

/** A view of a cluster in which nothing happened yet. */
export function createEmptyView(clusterId = TEST_CLUSTER): CommitView {
  const head = { number: 0, hash: formatGenesisHash(clusterId), timeMs: 0 };
  return {
    ...{ head, epoch: 0, nowMs: 1, monotonicMs: 0, files: [], namespaces: [], nodes: [], recorded: [] },
    ...{
      formers: [],
      purges: [],
      differences: [],
      transactions: [],
      staged: [],
      locks: [],
      hasDebts: false,
      hasBlobs: false,
    },
  };
}

/** The tables as maps: plans are applied to it as SQL applies them, so that tests can ask what a plan comes to. */
export class ModelCatalog {
  readonly files = new Map<string, FileRecord>();
  readonly namespaces = new Map<string, NamespaceRow>();
  readonly nodes = new Map<string, NodeRow>();
  readonly formers = new Map<string, FormerVersion>();
  readonly purges = new Map<string, PurgeOrder>();
  readonly debts = new Map<string, PlannedDebt>();
  readonly recorded = new Map<string, RecordedOutcome>();
  readonly groups: PlannedGroup[] = [];
  #head: CommitView["head"];
  #nowMs = 1;
  /** What commits take for this process's monotonic clock. */
  monotonicMs = 0;

  /** The catalog's clock; each commit moves it by a millisecond. */
  set nowMs(ms: number) {
    this.#nowMs = ms;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  constructor(clusterId = TEST_CLUSTER) {
    this.#head = createEmptyView(clusterId).head;
  }

  get head() {
    return this.#head;
  }

  readonly transactions = new Map<string, TransactionRow>();
  readonly staged = new Map<string, StagedChange>();
  readonly locks = new Map<string, KeyLock>();

  view(changes: readonly Change[]): CommitView {
    const needs = listViewNeeds(changes);
    const { ids, unfinished, reserving, whole, staged } = needs.transactions;
    const wholly = [...this.staged.values()].filter(({ transaction }) => whole.includes(transaction));
    const find = <Value>(map: Map<string, Value>, ids: readonly string[]) =>
      ids.flatMap((id) => {
        const value = map.get(id);
        return value === undefined ? [] : [value];
      });
    return {
      ...{
        head: this.#head,
        epoch: 0,
        nowMs: this.#nowMs,
        monotonicMs: this.monotonicMs,
        nodes: [...this.nodes.values()],
      },
      formers: needs.formers.flatMap((need) => this.#findFormers(need)),
      purges: [...this.purges.values()].filter((order) => needs.blobs.some((blob) => isSameBlob(blob, order))),
      differences: needs.restore === undefined ? [] : this.#listDifferences(needs.restore),
      files: find(this.files, [...new Set([...needs.files, ...wholly].map(formatFileRef))]),
      namespaces: find(this.namespaces, [...new Set([...needs.namespaces, ...wholly.map((one) => one.namespace)])]),
      transactions: [...this.transactions.values()].filter(
        (row) => ids.includes(row.id) || (unfinished && isUnfinished(row)) || (reserving && row.state === "prepared"),
      ),
      staged: [...new Set([...find(this.staged, staged.map(formatStagedRef)), ...wholly])],
      locks: [...this.locks.values()],
      recorded: find(this.recorded, needs.idempotencyKeys),
      hasDebts: this.debts.size > 0,
      hasBlobs: this.groups.some((group) => group.entries.some((entry) => entry.kind === "put")),
    };
  }

  #findFormers({ which, ...ref }: FormerNeed): FormerVersion[] {
    const own = [...this.formers.values()].filter((one) => formatFileRef(one) === formatFileRef(ref));
    const newest = own.sort((a, b) => b.version - a.version);
    if (which === "all") return newest;
    return which === "newest" ? newest.slice(0, 1) : newest.filter((one) => one.version === which);
  }

  #listDifferences({ namespace, prefix, asOf }: RestorePrefixChange): KeyDifference[] {
    const isIn = (file: FileRecord) => file.namespace === namespace && file.key.startsWith(prefix);
    const now = [...this.files.values()].filter((file) => isIn(file) && file.version > asOf.number);
    const then = [...this.formers.values()].filter((one) => {
      return isIn(one) && one.version <= asOf.number && one.supersededBy > asOf.number;
    });
    const all = new Map<string, KeyDifference>(now.map((file) => [file.key, { key: file.key, now: file }]));
    for (const one of then) all.set(one.key, { ...all.get(one.key), key: one.key, was: one });
    return [...all.values()];
  }

  commit(changes: readonly Change[]): readonly ChangeOutcome[] {
    this.#nowMs += 1;
    const plan = decideCommit(this.view(changes), `group-${this.groups.length}`, changes);
    this.#applyTransactions(plan);
    for (const debt of plan.debtsToClear) this.debts.delete(formatDebt(debt));
    for (const debt of plan.debtsToAdd) this.debts.set(formatDebt(debt), debt);
    for (const outcome of plan.outcomesToRecord) this.recorded.set(outcome.key, outcome);
    if (plan.group === undefined) return plan.outcomes;
    for (const ref of plan.filesToRemove) this.files.delete(formatFileRef(ref));
    for (const file of plan.filesToPut) this.files.set(formatFileRef(file), file);
    for (const former of plan.formersToPut) this.formers.set(formatVersionRef(former), former);
    for (const ref of plan.formersToRemove) this.formers.delete(formatVersionRef(ref));
    for (const purge of plan.purgesToAdd) this.purges.set(formatDebt(purge), purge);
    for (const name of plan.namespacesToRemove) this.namespaces.delete(name);
    for (const namespace of plan.namespacesToPut) this.namespaces.set(namespace.name, namespace);
    for (const node of plan.nodesToPut) this.nodes.set(node.id, node);
    this.groups.push(plan.group);
    this.#head = { number: plan.group.last, hash: plan.group.hash, timeMs: plan.group.timeMs };
    return plan.outcomes;
  }

  #applyTransactions(plan: CommitPlan): void {
    for (const row of plan.transactionsToPut) this.transactions.set(row.id, row);
    for (const change of plan.stagedToPut) this.staged.set(formatStagedRef(change), change);
    for (const change of this.staged.values()) {
      const isFree = !this.locks.has(formatFileRef(change));
      if (isFree && plan.transactionsToLock.includes(change.transaction)) this.locks.set(formatFileRef(change), change);
    }
    for (const map of [this.staged, this.locks]) {
      for (const [id, one] of map) if (plan.transactionsToClear.includes(one.transaction)) map.delete(id);
    }
  }
}

function isSameBlob(a: BlobName, b: BlobName): boolean {
  return a.namespace === b.namespace && a.digest === b.digest;
}

function formatDebt(debt: DebtRef): string {
  return `${debt.node} ${debt.namespace} ${debt.digest}`;
}
