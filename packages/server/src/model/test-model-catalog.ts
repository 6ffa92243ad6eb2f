import type { Change, ChangeOutcome, FileRecord } from "./change.js";
import { type DebtRef, type PlannedDebt, type PlannedGroup } from "./commit-plan.js";
import {
  type CommitView,
  formatFileRef,
  listViewNeeds,
  type NamespaceRow,
  type NodeRow,
  type RecordedOutcome,
} from "./commit-view.js";
import { decideCommit } from "./decide-commit.js";
import { formatGenesisHash } from "./journal-group.js";

/** The id of every cluster that exists only in tests. */
export const TEST_CLUSTER = "0".repeat(32);

/** A view of a cluster in which nothing happened yet. */
export function createEmptyView(): CommitView {
  const head = { number: 0, hash: formatGenesisHash(TEST_CLUSTER), timeMs: 0 };
  return {
    head,
    epoch: 0,
    nowMs: 1,
    files: [],
    namespaces: [],
    nodes: [],
    recorded: [],
    hasDebts: false,
    hasBlobs: false,
  };
}

/** The tables as maps: plans are applied to it as SQL applies them, so that tests can ask what a plan comes to. */
export class ModelCatalog {
  readonly files = new Map<string, FileRecord>();
  readonly namespaces = new Map<string, NamespaceRow>();
  readonly nodes = new Map<string, NodeRow>();
  readonly debts = new Map<string, PlannedDebt>();
  readonly recorded = new Map<string, RecordedOutcome>();
  readonly groups: PlannedGroup[] = [];
  #head = createEmptyView().head;
  #nowMs = 1;

  get head() {
    return this.#head;
  }

  view(changes: readonly Change[]): CommitView {
    const needs = listViewNeeds(changes);
    const find = <Value>(map: Map<string, Value>, ids: readonly string[]) =>
      ids.flatMap((id) => {
        const value = map.get(id);
        return value === undefined ? [] : [value];
      });
    return {
      ...{ head: this.#head, epoch: 0, nowMs: this.#nowMs, nodes: [...this.nodes.values()] },
      files: find(this.files, needs.files.map(formatFileRef)),
      namespaces: find(this.namespaces, needs.namespaces),
      recorded: find(this.recorded, needs.idempotencyKeys),
      hasDebts: this.debts.size > 0,
      hasBlobs: this.groups.some((group) => group.entries.some((entry) => entry.kind === "put")),
    };
  }

  commit(changes: readonly Change[]): readonly ChangeOutcome[] {
    this.#nowMs += 1;
    const plan = decideCommit(this.view(changes), `group-${this.groups.length}`, changes);
    if (plan.group === undefined) return plan.outcomes;
    for (const ref of plan.filesToRemove) this.files.delete(formatFileRef(ref));
    for (const file of plan.filesToPut) this.files.set(formatFileRef(file), file);
    for (const name of plan.namespacesToRemove) this.namespaces.delete(name);
    for (const namespace of plan.namespacesToPut) this.namespaces.set(namespace.name, namespace);
    for (const node of plan.nodesToPut) this.nodes.set(node.id, node);
    for (const debt of plan.debtsToClear) this.debts.delete(formatDebt(debt));
    for (const debt of plan.debtsToAdd) this.debts.set(formatDebt(debt), debt);
    for (const outcome of plan.outcomesToRecord) this.recorded.set(outcome.key, outcome);
    this.groups.push(plan.group);
    this.#head = { number: plan.group.last, hash: plan.group.hash, timeMs: plan.group.timeMs };
    return plan.outcomes;
  }
}

function formatDebt(debt: DebtRef): string {
  return `${debt.node} ${debt.namespace} ${debt.digest}`;
}
