import type { Readable } from "node:stream";
import type { Digest, NamespaceName } from "@koboldfs/protocol";

/** Immutable bytes: the digest names them inside the namespace and proves them. */
export interface BlobRef {
  readonly namespace: NamespaceName;
  readonly digest: Digest;
}

/** Half-open: bytes `start` up to and without `end`, `0 <= start < end <= sizeBytes`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface OpenBlob {
  /** Of the whole blob, not of the range. */
  readonly sizeBytes: number;
  /**
   * The bytes asked for. The caller consumes or destroys a stream. When the whole blob was asked for (no range), they
   * are checked against the digest: a Buffer is good, a stream fails with `blob_corrupt` *before* its last byte.
   */
  readonly content: Buffer | Readable;
  /** How many requests of clients the node that sends it serves at once: who reads what can wait shall leave it time for them. */
  readonly senderServes?: number;
}

export interface BlobReader {
  /**
   * Opens a blob, or undefined when this store does not have it.
   * Throws `range_not_satisfiable`, `blob_corrupt` (small blobs are checked at once), `disk_failed`, `peer_failed`.
   */
  open(ref: BlobRef, range?: ByteRange, signal?: AbortSignal): Promise<OpenBlob | undefined>;
}

/** Where on this machine's disks a blob lies. */
export interface BlobPlace {
  /** Which of the node's volumes, counted from 0 as they are configured. */
  readonly volume: number;
  /** Below the volume's `blobs/`. */
  readonly pathInVolume: string;
  readonly path: string;
  readonly sizeBytes: number;
}

export interface BlobLocator {
  /** Undefined when it is not here, or not in one file. Its bytes are not checked. */
  locate(ref: BlobRef): Promise<BlobPlace | undefined>;
}

export interface BlobStatter {
  /** Size of the stored blob without reading it, or undefined when this store does not have it. */
  stat(ref: BlobRef, signal?: AbortSignal): Promise<{ sizeBytes: number } | undefined>;
}

export interface BlobWriteOptions {
  /** Announced length; room is checked first, and another length is refused as `body_too_short` or `body_too_long`. */
  readonly sizeBytes?: number;
  /** Announced digest; other bytes are refused as `digest_mismatch`. */
  readonly digest?: Digest;
}

export interface PlacedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** One blob on its way in. Exactly one of `finish` and `abort` ends it; after a failure only `abort` is left to call. */
export interface BlobWrite {
  /**
   * Takes the next bytes; resolves when more may come (back-pressure). Not to be called again before it resolved.
   * The store may keep the chunk itself until the write ends: the caller does not change it afterwards.
   */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Durable when it resolves: bytes, name and every new folder fsynced. A blob already there is replaced, never trusted.
   * On failure nothing is left under the digest that was not there before, and nothing of the upload either.
   */
  finish(): Promise<PlacedBlob>;
  /** Forgets the upload and what it wrote. Idempotent, also after `finish`, where it does nothing. Never throws. */
  abort(): Promise<void>;
}

export interface BlobWriter {
  /** Begins a blob. Throws `disk_full`, `disk_failed`, `peer_failed`. A fired signal aborts the write wherever it is. */
  create(namespace: NamespaceName, options?: BlobWriteOptions, signal?: AbortSignal): Promise<BlobWrite>;
}

export interface BlobStore extends BlobReader, BlobStatter, BlobWriter {}
