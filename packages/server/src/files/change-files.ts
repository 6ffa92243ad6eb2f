import { createHash } from "node:crypto";
import { type FileKey, KoboldError, type NamespaceName } from "@koboldfs/protocol";
import type {
  Change,
  ChangeOutcome,
  CopyChange,
  DeleteChange,
  Precondition,
  RenameChange,
  RestoreChange,
  UndeleteChange,
} from "../model/change.js";
import type { FileContext } from "./file-context.js";
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
}

export interface BatchRequest {
  readonly namespace: NamespaceName;
  readonly operations: readonly FileOperation[];
  readonly idempotencyKey?: string;
}

/** Answers the version of the tombstone. Throws `not_found`. */
export async function deleteFile({ catalog }: FileContext, request: DeleteRequest): Promise<number> {
  const { namespace, key, precondition, idempotencyKey } = request;
  const operation: FileOperation = { kind: "delete", key, ...(precondition && { precondition }) };
  const outcome = await catalog.commit(changeOf(namespace, operation, idempotencyKey));
  if (!outcome.ok) throw outcome.error;
  return outcome.version;
}

/** All in one commit, each decided alone; outcomes in the order of the operations. Throws `namespace_not_found`. */
export async function changeFiles(context: FileContext, request: BatchRequest): Promise<ChangeOutcome[]> {
  const { catalog, cluster } = context;
  const { namespace, operations, idempotencyKey } = request;
  if ((await catalog.findNamespace(namespace)) === undefined) {
    throw new KoboldError("namespace_not_found", `no namespace ${namespace}`);
  }
  const changes = operations.map((operation, index) =>
    changeOf(namespace, operation, idempotencyKey && keyOfOperation(idempotencyKey, index)),
  );
  const outcomes = await catalog.commitAll(changes);
  cluster.nudge([...new Set(outcomes.flatMap((outcome) => (outcome.ok ? outcome.owing : [])))]);
  return outcomes;
}

function changeOf(namespace: NamespaceName, operation: FileOperation, idempotencyKey: string | undefined): Change {
  if (idempotencyKey === undefined) return { ...operation, namespace };
  return {
    ...operation,
    namespace,
    idempotency: { key: idempotencyKey, fingerprint: fingerprint(namespace, operation) },
  };
}

/** One request, many changes: each has a key of its own that follows from the request's and fits where that fits. */
function keyOfOperation(idempotencyKey: string, index: number): string {
  return createHash("sha256").update(`${idempotencyKey}\n${index}`).digest("hex");
}
