import {
  type Digest,
  type ErrorCode,
  type FileKey,
  KoboldError,
  type NamespaceName,
  type NodeId,
  type PutReply,
} from "@koboldfs/protocol";
import type { Precondition } from "./change.js";

/** Names one upload and the node that has its bytes: `NODE_ID-RANDOM`, 16 and 32 hex digits. Not to be guessed. */
export type UploadId = string & { readonly __brand: "UploadId" };

const ID_PATTERN = /^[0-9a-f]{16}-[0-9a-f]{32}$/;
const NODE_DIGITS = 16;

/** What the file shall become when its last byte is here: a put without its body. */
export interface UploadIntent {
  readonly namespace: NamespaceName;
  readonly key: FileKey;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly digest?: Digest;
  readonly precondition?: Precondition;
  readonly idempotencyKey?: string;
  readonly minCopies?: number;
}

/** What became of it: named, or refused for a reason that no repetition changes. */
export type UploadOutcome =
  | { readonly reply: PutReply }
  | { readonly failure: { readonly code: ErrorCode; readonly message: string } };

/** All that is known of one upload besides its bytes. */
export interface UploadRecord {
  readonly id: UploadId;
  readonly intent: UploadIntent;
  /** The Upload-Metadata header as the client sent it, to be given back. */
  readonly announced: string;
  /** Of the whole file. */
  readonly sizeBytes: number;
  /** How many bytes are durable here, from the first on. */
  readonly offset: number;
  /** CRC-32 of those bytes. */
  readonly crc: number;
  /** Wall clock of the node, milliseconds since 1970. */
  readonly expiresMs: number;
  /** Undefined until the file was named or refused; then the bytes are gone from here. */
  readonly outcome?: UploadOutcome;
}

export function isUploadId(text: string): text is UploadId {
  return ID_PATTERN.test(text);
}

export function formatUploadId(node: NodeId, random: string): UploadId {
  const id = `${node}-${random}`;
  if (!isUploadId(id)) throw new TypeError(`not the parts of an upload's id: ${id}`);
  return id;
}

/** The node that has the upload. */
export function nodeOfUpload(id: UploadId): NodeId {
  return id.slice(0, NODE_DIGITS) as NodeId;
}

export function isComplete({ offset, sizeBytes }: UploadRecord): boolean {
  return offset === sizeBytes;
}

/**
 * The outcome that a failure means, or undefined when the same bytes may be named later: what the caller did wrong stays
 * wrong, what went wrong here may heal.
 */
export function outcomeOfFailure(error: unknown): UploadOutcome | undefined {
  if (!(error instanceof KoboldError) || error.rule.status >= 500) return undefined;
  return { failure: { code: error.code, message: error.message } };
}
