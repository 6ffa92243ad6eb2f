import type { CommitPlan, PlannedGroup } from "../../../model/commit-plan.js";
import { fromHex } from "../column-values.js";
import type { CatalogQueries } from "../queries/catalog-queries.js";
import type { SqlStatement } from "../sql-connection.js";

/** The statements that write a plan, a few for any number of changes. The group's id comes first: it may be void. */
export function formatPlanStatements(queries: CatalogQueries, plan: CommitPlan, group: PlannedGroup): SqlStatement[] {
  const { id: groupId, first, last, timeMs, bytes } = group;
  const hash = fromHex(group.hash);
  return [
    ...queries.outcomes.record({ groupId, timeMs, outcomes: plan.outcomes, recorded: plan.outcomesToRecord }),
    ...queries.journal.insertEntries(group),
    queries.journal.insertGroup({ last, first, hash, bytes, timeMs }),
    ...queries.journal.removeEntries(plan.entriesToForget.map((number) => ({ number }))),
    ...queries.versions.put(plan.formersToPut),
    ...queries.versions.remove(plan.formersToRemove),
    ...queries.purges.add(plan.purgesToAdd),
    ...queries.files.remove(plan.filesToRemove),
    ...queries.files.put(plan.filesToPut),
    ...queries.namespaces.remove(plan.namespacesToRemove),
    ...queries.namespaces.put(plan.namespacesToPut),
    ...queries.nodes.put(plan.nodesToPut, timeMs),
    ...queries.debts.remove(plan.debtsToClear),
    ...queries.debts.add(plan.debtsToAdd),
    queries.cluster.moveHead({ number: last, hash, timeMs }),
  ];
}
