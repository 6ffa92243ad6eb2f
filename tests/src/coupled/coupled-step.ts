import type { DatabaseAdapter, DatabaseTransaction } from "@koboldfs/client";
import { wrapTransactions } from "./application.js";

/** Where a coupled commit is, in the order in which it goes through them. */
export const COUPLED_STEPS = ["begun", "staged", "prepared", "decided", "rows-committed", "files-committed"] as const;
export type CoupledStep = (typeof COUPLED_STEPS)[number];

/** Tells of the steps that can be seen at the database. The others are seen by whoever does the work. */
export function watchSteps<Sql>(
  adapter: DatabaseAdapter<Sql>,
  reach: (step: CoupledStep) => Promise<void>,
): DatabaseAdapter<Sql> {
  const watched = wrapTransactions(adapter, (transaction) => ({
    ...transaction,
    query: async (text, values) => {
      const isDecision = values?.[1] === "commit";
      if (isDecision) await reach("prepared");
      const rows = await transaction.query(text, values);
      if (isDecision) await reach("decided");
      return rows;
    },
  }));
  return replaceCommit(watched, async (transaction) => {
    await transaction.commit();
    await reach("rows-committed");
  });
}

/** The adapter with something else in place of the commit of a transaction that holds a decision to commit. */
export function replaceCommit<Sql>(
  adapter: DatabaseAdapter<Sql>,
  replace: (transaction: DatabaseTransaction<Sql>) => Promise<void>,
): DatabaseAdapter<Sql> {
  return wrapTransactions(adapter, (transaction) => {
    let isDecided = false;
    return {
      ...transaction,
      query: (text, values) => {
        isDecided ||= values?.[1] === "commit";
        return transaction.query(text, values);
      },
      commit: () => (isDecided ? replace(transaction) : transaction.commit()),
    };
  });
}
