import type { PutOptions } from "../client-options.js";
import type { Session } from "../session/session.js";
import { BoundMemory } from "./bound-memory.js";
import type { ResumableUpload } from "./resumable-upload.js";
import { PiecewiseWay } from "./piecewise-way.js";
import type { SourceBody } from "./source-body.js";
import { StreamedWay } from "./streamed-way.js";
import { describeUpload, formatUploadMetadata, type UploadDescription } from "./upload-metadata.js";
import type { UploadWay } from "./upload-way.js";

/** At 10 MB/s these are three seconds of sending again, about what the bookkeeping of a resumable upload may save. */
const RESUMABLE_FROM_BYTES = 32 * 1024 * 1024;

export interface PlannedPut {
  readonly body: SourceBody;
  readonly namespace: string;
  readonly key: string;
  readonly idempotencyKey: string;
  /** What the bytes must be, in hex, where that is known before they are sent. */
  readonly digest?: string | undefined;
}

/** How a put goes as a resumable upload; undefined when it goes in one request: it is small, or cannot be read twice. */
export function planResumable(
  session: Session,
  put: PlannedPut,
  options: PutOptions,
): Pick<ResumableUpload, "way" | "sizeBytes" | "metadata" | "memory"> | undefined {
  const { body, namespace, key, digest, idempotencyKey } = put;
  const { sizeBytes } = body;
  if (sizeBytes === undefined) return undefined;
  // What a transaction stages comes in one request.
  if (session.transaction !== undefined) return undefined;
  if (sizeBytes < (options.resumableFromBytes ?? RESUMABLE_FROM_BYTES)) return undefined;
  const way = chooseWay(session, body, sizeBytes);
  if (way === undefined) return undefined;
  const description = describeUpload({ namespace, key, digest }, options);
  return {
    way,
    sizeBytes,
    metadata: formatUploadMetadata({ ...description, "idempotency-key": idempotencyKey }),
    memory: bindMemory(session, body, description),
  };
}

/** By the one request that streams where that can be; undefined for what can be read only once. */
function chooseWay({ platform }: Session, body: SourceBody, sizeBytes: number): UploadWay | undefined {
  const { readFrom, blob, digest } = body;
  if (readFrom !== undefined) {
    return new StreamedWay((position) => readFrom.call(body, position), { hasher: platform.createHasher(), sizeBytes });
  }
  if (blob === undefined || digest === undefined) return undefined;
  return new PiecewiseWay({ blob, digest, tellsSent: platform.transport.tellsSent === true });
}

/** The memory for this very upload; undefined when there is none, or the source has nothing to be known again by. */
function bindMemory(session: Session, { identity, sizeBytes }: SourceBody, description: UploadDescription) {
  const { servers, uploadMemory } = session.options;
  if (uploadMemory === undefined || identity === undefined) return undefined;
  const parts = JSON.stringify([[...servers].sort(), description, identity, sizeBytes]);
  return new BoundMemory(uploadMemory, session.platform.hash(new TextEncoder().encode(parts)));
}
