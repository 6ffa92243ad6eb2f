import { KoboldError } from "@koboldfs/protocol";
import type { BeginOptions, CoupledOptions } from "../client-options.js";
import type { Transaction } from "../transactions/transaction.js";
import type { DatabaseAdapter } from "./database-adapter.js";
import { type DecidingTransaction, Decisions, type Settlement } from "./decisions.js";

/** How long the database may take to say what became of a commit whose answer was lost. */
const SETTLE_MS = 5_000;

/** Only after a refused row: the answer is there at once or not at all. */
const FIND_MS = 1_000;

/** What the work of a coupled transaction gets. */
export interface CoupledWork<Tx, Sql> {
  readonly tx: Tx;
  readonly sql: Sql;
}

/** What the application asks for. */
export interface CoupledRun<Tx, Sql, Result> {
  readonly begin: (options: BeginOptions) => Promise<Tx>;
  readonly work: (parts: CoupledWork<Tx, Sql>) => Promise<Result>;
  readonly options: CoupledOptions;
}

/**
 * Does the work on files and rows, and commits both or neither: the files are prepared, the decision is a row of the
 * application's own transaction, and what that commit decided is done with the files, now or by whoever recovers it.
 */
export async function runCoupled<Tx extends Transaction<unknown>, Sql, Result>(
  adapter: DatabaseAdapter<Sql>,
  { begin, work, options }: CoupledRun<Tx, Sql, Result>,
): Promise<Result> {
  const { onUnfinished, ttlMs, ...limits } = options;
  const decisions = new Decisions(adapter);
  const coordinator = await decisions.readCoordinator();
  const tx = await begin({ ...limits, coordinator, ...(ttlMs !== undefined && { ttlMs }) });
  const rows = await orAbandon(tx, () => decisions.begin());
  let result: Result;
  try {
    result = await work({ tx, sql: rows.sql });
    await tx.prepare(limits);
    await decide(rows, decisions, tx.id);
  } catch (thrown) {
    await rows.rollback();
    await tx.abandon();
    throw thrown;
  }
  await commitRows(rows, decisions, tx);
  // It is decided, so whatever happens now to the files does not change what the caller did.
  try {
    await tx.commit(limits);
  } catch (thrown) {
    if (thrown instanceof KoboldError && thrown.rule.status < 500) throw thrown;
    onUnfinished?.(tx.id, thrown);
  }
  return result;
}

async function orAbandon<Value>(tx: Transaction<unknown>, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (thrown) {
    await tx.abandon();
    throw thrown;
  }
}

/** Somebody who recovered it may have decided otherwise: then the row is there already. */
async function decide<Sql>(rows: DecidingTransaction<Sql>, decisions: Decisions<Sql>, id: string): Promise<void> {
  try {
    await rows.decideToCommit(id);
  } catch (thrown) {
    await rows.rollback();
    if ((await decisions.find(id, FIND_MS).catch(() => undefined)) !== "abort") throw thrown;
    throw new KoboldError("transaction_finished", `${id} took so long that its recovery aborted it`, { cause: thrown });
  }
}

/** A failed commit may have happened all the same: nobody but the database knows. */
async function commitRows<Sql>(
  rows: DecidingTransaction<Sql>,
  decisions: Decisions<Sql>,
  tx: Transaction<unknown>,
): Promise<void> {
  try {
    await rows.commit();
  } catch (thrown) {
    const settled = await settle(decisions, tx.id);
    if (settled === "commit") return;
    if (settled === "abort") {
      await tx.abandon();
      throw thrown;
    }
    const sentence = `whether the database committed ${tx.id} is not known; its recovery will tell, and do the same with the files`;
    throw new KoboldError("transaction_in_doubt", sentence, { cause: thrown });
  }
}

async function settle<Sql>(decisions: Decisions<Sql>, id: string): Promise<Settlement> {
  try {
    return await decisions.settle(id, SETTLE_MS);
  } catch {
    // The database cannot be asked, and the caller is told that nothing is known.
    return "running";
  }
}
