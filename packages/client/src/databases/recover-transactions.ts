import { KoboldError } from "@koboldfs/protocol";
import type { CallOptions } from "../client-options.js";
import type { TransactionFace } from "../transactions/transaction-face.js";
import type { DatabaseAdapter } from "./database-adapter.js";
import { Decisions } from "./decisions.js";

/** Longer than the SQL transaction of an application should be open after its files were prepared. */
const MIN_AGE_MS = 60_000;
const SETTLE_MS = 2_000;
/** KoboldFS tells so long what came of a transaction. */
const KEPT_MS = 30 * 86_400_000;
const PRUNED_AT_ONCE = 1_000;

export interface RecoverOptions extends CallOptions {
  /**
   * Only what has been prepared for so long: younger ones may be about to be committed by whoever began them. Default a minute;
   * 0 where you know that none is at work.
   */
  readonly minAgeMs?: number;
}

/** What a recovery did. */
export interface RecoveryReport {
  /** Ids that were committed, because the application's rows were. */
  readonly committed: readonly string[];
  readonly aborted: readonly string[];
  /** The application's transaction is still open: the next recovery asks again. */
  readonly running: readonly string[];
  /** What could not be dealt with now. */
  readonly failed: readonly { readonly id: string; readonly reason: unknown }[];
  /** Decisions that nobody needs any more and that were removed. */
  readonly pruned: number;
}

type Outcome = "committed" | "aborted" | "running";

/** Resolves every prepared transaction that this database coordinates by the decision in it. */
export async function recoverTransactions(
  face: TransactionFace,
  adapter: DatabaseAdapter<unknown>,
  options: RecoverOptions,
): Promise<RecoveryReport> {
  const { minAgeMs = MIN_AGE_MS, ...limits } = options;
  const recovery: Recovery = { face, decisions: new Decisions(adapter), limits };
  const ids: Record<Outcome, string[]> = { committed: [], aborted: [], running: [] };
  const failed: { id: string; reason: unknown }[] = [];
  for (const id of await listInDoubt(recovery, minAgeMs)) {
    limits.signal?.throwIfAborted();
    try {
      ids[await recover(recovery, id)].push(id);
    } catch (reason) {
      failed.push({ id, reason });
    }
  }
  return { ...ids, failed, pruned: await prune(recovery) };
}

interface Recovery {
  readonly face: TransactionFace;
  readonly decisions: Decisions<unknown>;
  readonly limits: CallOptions;
}

async function listInDoubt({ face, decisions, limits }: Recovery, minAgeMs: number): Promise<string[]> {
  const own = `${await decisions.readCoordinator()}-`;
  const found: string[] = [];
  for await (const { id, prepared } of face.list({ state: "prepared", ...limits })) {
    const isOld = minAgeMs === 0 || Date.now() - Date.parse(prepared ?? "") >= minAgeMs;
    if (id.startsWith(own) && isOld) found.push(id);
  }
  return found;
}

async function recover({ face, decisions, limits }: Recovery, id: string): Promise<Outcome> {
  const settled = await decisions.settle(id, SETTLE_MS);
  if (settled === "running") return "running";
  await face.finish(id, settled, limits);
  return settled === "commit" ? "committed" : "aborted";
}

/** Decisions of transactions that ended more than 30 days ago, as KoboldFS itself says. */
async function prune({ face, decisions, limits }: Recovery): Promise<number> {
  let pruned = 0;
  for (const id of await decisions.listOld(PRUNED_AT_ONCE)) {
    limits.signal?.throwIfAborted();
    if (!(await isForgotten(face, id, limits))) continue;
    await decisions.remove(id);
    pruned += 1;
  }
  return pruned;
}

async function isForgotten(face: TransactionFace, id: string, limits: CallOptions): Promise<boolean> {
  try {
    const { finished } = await face.get(id, limits);
    return finished !== undefined && Date.now() - Date.parse(finished) > KEPT_MS;
  } catch (thrown) {
    if (thrown instanceof KoboldError && thrown.code === "transaction_not_found") return true;
    throw thrown;
  }
}
