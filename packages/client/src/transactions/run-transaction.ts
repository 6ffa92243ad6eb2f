import { KoboldError } from "@koboldfs/protocol";
import type { TransactionOptions } from "../client-options.js";
import type { Transaction } from "./transaction.js";

/** Does the work, and commits when it returns; aborts when it throws, or when the commit is refused. */
export async function runTransaction<Tx extends Transaction<unknown>, Result>(
  tx: Tx,
  work: (tx: Tx) => Promise<Result>,
  options: TransactionOptions,
): Promise<Result> {
  const { decide, signal, twoPhase = decide !== undefined } = options;
  const limits = {
    ...(signal && { signal }),
    ...(options.deadlineMs !== undefined && { deadlineMs: options.deadlineMs }),
  };
  let result: Result;
  try {
    result = await work(tx);
    if (twoPhase) await tx.prepare(limits);
    await decide?.(tx.id);
  } catch (thrown) {
    await tx.abandon();
    throw thrown;
  }
  try {
    await tx.commit(limits);
  } catch (thrown) {
    // After a decision, or with an outcome that is not known, to abort would be to guess.
    const isRefused = thrown instanceof KoboldError && thrown.code !== "transaction_in_doubt";
    if (isRefused && decide === undefined) await tx.abandon();
    throw thrown;
  }
  return result;
}
