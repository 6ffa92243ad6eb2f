import {
  type BatchOperation,
  type BatchReply,
  type BatchResult,
  isDigest,
  KoboldError,
  parseFileKey,
} from "@koboldfs/protocol";
import type { BatchRequest, FileOperation } from "../files/change-files.js";
import type { FileService } from "../files/file-service.js";
import type { ChangeOutcome, Precondition } from "../model/change.js";
import { parseEntityTags, strongDigests } from "../model/precondition.js";
import { problemOf } from "./problem.js";

export interface Batch extends Omit<BatchRequest, "operations"> {
  readonly operations: readonly BatchOperation[];
}

/** Commits what can be understood, and tells of each operation, in order, what became of it. */
export async function runBatch(files: FileService, batch: Batch): Promise<BatchReply> {
  const parsed = batch.operations.map(parseOperation);
  const operations = parsed.filter((operation): operation is FileOperation => !(operation instanceof KoboldError));
  const outcomes = operations.length === 0 ? [] : await files.batch({ ...batch, operations });
  const rest = outcomes[Symbol.iterator]();
  const results = parsed.map((operation) => resultOf(operation instanceof KoboldError ? operation : rest.next().value));
  const steps = Math.max(0, ...outcomes.map((outcome) => (outcome.ok ? (outcome.steps ?? 0) : 0)));
  return { results, ...(steps > 0 && { steps }) };
}

function resultOf(outcome: ChangeOutcome | KoboldError | undefined): BatchResult {
  if (outcome === undefined) throw new Error("the catalog answered fewer outcomes than it was given changes");
  if (outcome instanceof KoboldError) return { ok: false, error: problemOf(outcome) };
  return outcome.ok ? { ok: true, version: outcome.version } : { ok: false, error: problemOf(outcome.error) };
}

function parseOperation(operation: BatchOperation): FileOperation | KoboldError {
  try {
    return toFileOperation(operation);
  } catch (error) {
    if (error instanceof KoboldError) return error;
    throw error;
  }
}

function toFileOperation(operation: BatchOperation): FileOperation {
  if (operation.op === "undelete") return { kind: "undelete", key: parseFileKey(operation.key) };
  const ifMatch = operation.ifMatch === undefined ? undefined : parseIfMatch(operation.ifMatch);
  if (operation.op === "delete") {
    const precondition: Precondition | undefined = ifMatch && { ifMatch };
    return { kind: "delete", key: parseFileKey(operation.key), ...(precondition && { precondition }) };
  }
  if (operation.op === "restore") {
    const { key, version, ifNoneMatch } = operation;
    const precondition: Precondition = { ...(ifMatch && { ifMatch }), ...(ifNoneMatch && { ifNoneMatch }) };
    return { kind: "restore", key: parseFileKey(key), version, precondition };
  }
  return {
    kind: operation.op,
    from: parseFileKey(operation.from),
    to: parseFileKey(operation.to),
    // The source must exist in any case: `*` asks for nothing more.
    ...(ifMatch !== undefined && ifMatch !== "*" && { sourceMatch: ifMatch }),
    ...(operation.ifNoneMatch !== undefined && { precondition: { ifNoneMatch: operation.ifNoneMatch } }),
  };
}

/** A digest, or what an If-Match header has. */
function parseIfMatch(text: string) {
  if (isDigest(text)) return [text];
  const tags = parseEntityTags(text);
  if (tags === undefined)
    throw new KoboldError("invalid_request", "ifMatch is neither a digest, nor *, nor entity tags");
  return strongDigests(tags);
}
