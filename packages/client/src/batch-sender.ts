import {
  type BatchOperation,
  type BatchReply,
  type BatchResult,
  HEADER,
  isErrorCode,
  KoboldError,
  type NamespaceName,
} from "@koboldfs/protocol";
import type { CallOptions, CopyOptions } from "./client-options.js";
import { formatNamespaceFilesPath } from "./file-address.js";
import { checkBatchReply } from "./reply-checks.js";
import type { Session } from "./session/session.js";

/** The server takes so many operations in one batch. */
const MAX_BATCH_OPERATIONS = 1_000;

interface MoveNames {
  readonly op: "copy" | "rename";
  readonly from: string;
  readonly to: string;
}

/** Changes of several files of one namespace that share a commit. */
export class BatchSender {
  readonly #namespace: NamespaceName;
  readonly #session: Session;

  constructor(namespace: NamespaceName, session: Session) {
    this.#namespace = namespace;
    this.#session = session;
  }

  async send(operations: readonly BatchOperation[], options: CallOptions): Promise<BatchResult[]> {
    if (operations.length === 0) return [];
    const headers = {
      [HEADER.idempotencyKey]: this.#session.createIdempotencyKey(),
      "content-type": "application/json",
    };
    const body = new TextEncoder().encode(JSON.stringify({ operations }));
    const path = formatNamespaceFilesPath(this.#namespace);
    const check = (reply: unknown): BatchReply => checkBatchReply(reply, operations.length);
    const request = { method: "POST" as const, path, headers, body };
    return (await this.#session.callJson(request, check, options)).results;
  }

  /** A copy or a rename by itself. Throws what the server refuses. */
  move(names: MoveNames, options: CopyOptions): Promise<{ version: number }> {
    return this.one({ ...names, ...preconditions(options) }, options);
  }

  /** Older content made current by itself. Throws what the server refuses. */
  restore(key: string, version: number, options: CopyOptions): Promise<{ version: number }> {
    return this.one({ op: "restore", key, version, ...preconditions(options) }, options);
  }

  /** One operation by itself. Throws what the server refuses. */
  async one(operation: BatchOperation, options: CallOptions): Promise<{ version: number }> {
    const [result] = await this.send([operation], options);
    return unwrapResult(result);
  }

  /** Answers how many were there. Throws the first refusal. */
  async deleteMany(keys: Iterable<string> | AsyncIterable<string>, options: CallOptions): Promise<number> {
    let deleted = 0;
    let operations: BatchOperation[] = [];
    const flush = async () => {
      const results = await this.send(operations, options);
      operations = [];
      deleted += results.filter((result) => result.ok).length;
      const refused = results.find((result) => !result.ok && result.error.code !== "not_found");
      if (refused !== undefined) unwrapResult(refused);
    };
    for await (const key of keys) {
      if (operations.push({ op: "delete", key }) === MAX_BATCH_OPERATIONS) await flush();
    }
    await flush();
    return deleted;
  }
}

function unwrapResult(result: BatchResult | undefined): { version: number } {
  if (result?.ok === true) return { version: result.version };
  const code = result?.error.code ?? "";
  throw new KoboldError(
    isErrorCode(code) ? code : "invalid_response",
    result?.error.detail ?? "the batch has no result",
  );
}

function preconditions(options: CopyOptions): { ifMatch?: string; ifNoneMatch?: "*" } {
  return {
    ...(options.ifMatch !== undefined && { ifMatch: options.ifMatch }),
    ...(options.ifNoneMatch !== undefined && { ifNoneMatch: options.ifNoneMatch }),
  };
}
