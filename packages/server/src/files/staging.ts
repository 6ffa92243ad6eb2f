import { KoboldError } from "@koboldfs/protocol";
import type { Change, StageableChange } from "../model/change.js";
import { preconditionHolds } from "../model/precondition.js";
import type { TransactionRef, TransactionRow } from "../model/transaction.js";
import type { FileContext } from "./file-context.js";
import type { PutRequest } from "./put-request.js";

/** The change as it is, or as one that a transaction keeps. An idempotency key names the one or the other. */
export function changeOf(
  { staging: limits }: Pick<FileContext, "staging">,
  change: StageableChange,
  transaction: TransactionRef | undefined,
): Change {
  if (transaction === undefined) return change;
  const { idempotency, ...rest } = change;
  return { kind: "stage", transaction, change: rest, limits, ...(idempotency !== undefined && { idempotency }) };
}

/** Throws what a staged put would be refused with, as seen now, before its body is sent; the commit decides. */
export async function checkStaging(
  context: FileContext,
  request: Omit<PutRequest, "body">,
  transaction: TransactionRef,
): Promise<void> {
  const { catalog, staging } = context;
  const { idempotencyKey, namespace, key, precondition, sizeBytes = 0 } = request;
  // It may be a repetition, whose answer only the commit knows.
  if (idempotencyKey !== undefined && (await catalog.isRecorded(idempotencyKey))) return;
  const row = await getOpenTransaction(context, transaction);
  if (row.state === "prepared") throw new KoboldError("transaction_prepared", `transaction ${row.id} is prepared`);
  if (row.stagedBytes + sizeBytes > staging.transactionBytes) {
    throw new KoboldError("transaction_too_large", `a transaction may stage ${staging.transactionBytes} bytes`);
  }
  if (precondition === undefined) return;
  const staged = await catalog.findStaged(row.id, namespace, key);
  const isStaged = staged !== undefined && staged.kind !== "read";
  const file = isStaged ? staged.content : await catalog.findFile(namespace, key);
  if (!preconditionHolds(precondition, file?.digest)) {
    throw new KoboldError("precondition_failed", `${key} is not in the demanded state`);
  }
}

/**
 * The caller's transaction, open or prepared. Throws `transaction_not_found`, `transaction_not_yours`,
 * `transaction_finished`, `transaction_expired`.
 */
export async function getOpenTransaction(
  { catalog }: Pick<FileContext, "catalog">,
  { id, owner }: TransactionRef,
): Promise<TransactionRow> {
  const row = await catalog.findTransaction(id);
  if (row === undefined) throw new KoboldError("transaction_not_found", `there is no transaction ${id}`);
  if (row.owner !== owner) throw new KoboldError("transaction_not_yours", `transaction ${id} is another caller's`);
  if (row.state === "aborted" && row.reason === "expired") {
    throw new KoboldError("transaction_expired", `transaction ${id} was not used for ${row.ttlMs} ms`);
  }
  if (row.state === "committed" || row.state === "aborted") {
    throw new KoboldError("transaction_finished", `transaction ${id} is ${row.state}`);
  }
  return row;
}
