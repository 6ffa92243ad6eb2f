import { createHash } from "node:crypto";
import type { Digest, FileKey, NamespaceName } from "@koboldfs/protocol";
import type { Expiry, Precondition } from "../model/change.js";
import type { TransactionRef } from "../model/transaction.js";

export interface PutRequest {
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  /** Read once, to its end, unless the put is refused before. */
  readonly body: AsyncIterable<Uint8Array>;
  /** As announced; another length is refused. */
  readonly sizeBytes?: number;
  /** As announced; other bytes are refused. */
  readonly digest?: Digest;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Absent: as the namespace's policy says. */
  readonly expires?: Expiry;
  readonly precondition?: Precondition;
  readonly idempotencyKey?: string;
  readonly minCopies?: number;
  /** Stage it there instead of making it current. */
  readonly transaction?: TransactionRef;
  /** Fired when the caller must not be told of success any more: nothing is committed after it. */
  readonly signal?: AbortSignal;
}

/** What was asked, in one hash: the same idempotency key with another one of these is another request. */
export function fingerprint(...parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

export function putFingerprint(request: PutRequest, digest: Digest): string {
  const metadata = Object.entries(request.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const { ifMatch, ifNoneMatch } = request.precondition ?? {};
  return fingerprint(
    "put",
    request.namespace,
    request.key,
    digest,
    request.contentType,
    metadata,
    ifMatch,
    ifNoneMatch,
    // Absent, it leaves the fingerprint of a request as it was before there were expiries.
    ...(request.expires === undefined ? [] : [request.expires]),
    ...(request.transaction === undefined ? [] : [{ transaction: request.transaction.id }]),
  );
}
