import { type CommitPlan, hasWrites, type PlannedGroup } from "../../../model/commit-plan.js";
import { fromHex } from "../column-values.js";
import type { CatalogQueries } from "../queries/catalog-queries.js";
import type { SqlStatement } from "../sql-connection.js";

/**
 * The statements that write a plan, a few for any number of changes; none when it writes nothing. The group's id comes
 * first: it may be void.
 */
export function formatPlanStatements(queries: CatalogQueries, plan: CommitPlan, groupId: string): SqlStatement[] {
  if (!hasWrites(plan)) return [];
  const { group, timeMs } = plan;
  return [
    ...queries.outcomes.record({ groupId, timeMs, outcomes: plan.outcomes, recorded: plan.outcomesToRecord }),
    ...(group === undefined ? [] : formatGroup(queries, plan, group)),
    ...queries.debts.remove(plan.debtsToClear),
    ...queries.debts.add(plan.debtsToAdd),
    ...formatTransactions(queries, plan),
    ...(group === undefined ? [] : [queries.cluster.moveHead(headOf(group))]),
  ];
}

function formatGroup(queries: CatalogQueries, plan: CommitPlan, group: PlannedGroup): SqlStatement[] {
  const { first, last, timeMs, bytes } = group;
  return [
    ...queries.journal.insertEntries(group),
    queries.journal.insertGroup({ last, first, hash: fromHex(group.hash), bytes, timeMs }),
    ...queries.journal.removeEntries(plan.entriesToForget.map((number) => ({ number }))),
    ...queries.versions.put(plan.formersToPut),
    ...queries.versions.remove(plan.formersToRemove),
    ...queries.purges.add(plan.purgesToAdd),
    ...queries.files.remove(plan.filesToRemove),
    ...queries.files.put(plan.filesToPut),
    ...queries.namespaces.remove(plan.namespacesToRemove),
    ...queries.namespaces.put(plan.namespacesToPut),
    ...queries.nodes.put(plan.nodesToPut, timeMs),
    ...queries.webhooks.remove(plan.webhooksToRemove),
    ...queries.webhooks.put(plan.webhooksToPut),
  ];
}

function headOf({ last: number, hash, timeMs }: PlannedGroup) {
  return { number, hash: fromHex(hash), timeMs };
}

type TransactionPlan = Pick<
  CommitPlan,
  "transactionsToPut" | "stagedToPut" | "transactionsToLock" | "transactionsToClear"
>;

/** In this order: what is staged is locked where it is, and what ends leaves nothing. */
export function formatTransactions(
  { locks, staged, transactions }: CatalogQueries,
  plan: TransactionPlan,
): SqlStatement[] {
  return [
    ...transactions.put(plan.transactionsToPut),
    ...staged.put(plan.stagedToPut),
    ...plan.transactionsToLock.map((id) => locks.lockStaged({ id })),
    ...plan.transactionsToClear.flatMap((id) => [staged.removeOf({ id }), locks.unlock({ id })]),
  ];
}
