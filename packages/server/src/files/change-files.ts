import { createHash } from "node:crypto";
import { type FileKey, KoboldError, type NamespaceName } from "@koboldfs/protocol";
import type {
  ChangeDone,
  ChangeOutcome,
  CopyChange,
  DeleteChange,
  Precondition,
  RenameChange,
  RestoreChange,
  StageableChange,
  UndeleteChange,
} from "../model/change.js";
import type { TransactionRef } from "../model/transaction.js";
import type { FileContext } from "./file-context.js";
import { changeOf } from "./staging.js";
import { fingerprint } from "./put-request.js";

/** What a batch can do to one key, or from one key to another. */
export type FileOperation =
  | Omit<DeleteChange, "namespace" | "idempotency">
  | Omit<CopyChange, "namespace" | "idempotency">
  | Omit<RenameChange, "namespace" | "idempotency">
  | Omit<UndeleteChange, "namespace" | "idempotency">
  | Omit<RestoreChange, "namespace" | "idempotency">;

export interface DeleteRequest {
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  readonly precondition?: Precondition;
  readonly idempotencyKey?: string;
  /** Stage it there instead of making it current. */
  readonly transaction?: TransactionRef;
}

export interface BatchRequest {
  readonly namespace: NamespaceName;
  readonly operations: readonly FileOperation[];
  readonly idempotencyKey?: string;
  /** Stage it there instead of making it current. */
  readonly transaction?: TransactionRef;
}

/** Answers with the version of the tombstone; 0 when it is staged. Throws `not_found`. */
export async function deleteFile(context: FileContext, request: DeleteRequest): Promise<ChangeDone> {
  const { namespace, key, precondition, idempotencyKey, transaction } = request;
  const operation: FileOperation = { kind: "delete", key, ...(precondition && { precondition }) };
  const change = nameChange({ namespace, operation, idempotencyKey, transaction });
  const outcome = await context.catalog.commit(changeOf(context, change, transaction));
  if (!outcome.ok) throw outcome.error;
  return outcome;
}

/** All in one commit, each decided alone; outcomes in the order of the operations. Throws `namespace_not_found`. */
export async function changeFiles(context: FileContext, request: BatchRequest): Promise<ChangeOutcome[]> {
  const { catalog, cluster, reads } = context;
  const { namespace, operations, idempotencyKey, transaction } = request;
  await reads.checkSurely(async () => {
    if ((await catalog.findNamespace(namespace)) !== undefined) return;
    throw new KoboldError("namespace_not_found", `no namespace ${namespace}`);
  });
  const changes = operations.map((operation, index) => {
    const own = idempotencyKey && keyOfOperation(idempotencyKey, index);
    return changeOf(context, nameChange({ namespace, operation, idempotencyKey: own, transaction }), transaction);
  });
  const outcomes = await catalog.commitAll(changes);
  cluster.nudge([...new Set(outcomes.flatMap((outcome) => (outcome.ok ? outcome.owing : [])))]);
  return outcomes;
}

interface NamedOperation {
  readonly namespace: NamespaceName;
  readonly operation: FileOperation;
  readonly idempotencyKey: string | undefined;
  readonly transaction: TransactionRef | undefined;
}

function nameChange({ namespace, operation, idempotencyKey, transaction }: NamedOperation): StageableChange {
  if (idempotencyKey === undefined) return { ...operation, namespace };
  // Absent, it leaves the fingerprint of a request as it was before there were transactions.
  const where = transaction === undefined ? [] : [{ transaction: transaction.id }];
  const idempotency = { key: idempotencyKey, fingerprint: fingerprint(namespace, operation, ...where) };
  return { ...operation, namespace, idempotency };
}

/** One request, many changes: each has a key of its own that follows from the request's and fits where that fits. */
function keyOfOperation(idempotencyKey: string, index: number): string {
  return createHash("sha256").update(`${idempotencyKey}\n${index}`).digest("hex");
}
