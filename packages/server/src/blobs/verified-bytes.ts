import { createHash, type Hash } from "node:crypto";
import { type Digest, KoboldError } from "@koboldfs/protocol";
import type { BlobRef, ByteRange } from "./blob-store.js";

/**
 * Blobs up to this size are read into one Buffer and checked before anything of them is answered. Hashing this much
 * takes a fraction of a millisecond, and a hundred requests hold no more than 25 MiB of it. Larger ones are streamed.
 */
export const SMALL_BLOB_BYTES = 256 * 1024;

/**
 * How much is read from a disk at once while streaming: each read wakes two threads, so that half of this costs a tenth more
 * CPU for a blob of 1 MiB; and each answer that a slow client takes holds one.
 */
export const READ_CHUNK_BYTES = 512 * 1024;

/** Throws `blob_corrupt` unless the bytes are those that the digest names. */
export function checkDigest(bytes: Uint8Array, ref: BlobRef): void {
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== ref.digest) throw corrupt(ref, `its bytes have digest ${found}`);
}

/** Feeds the pieces of a whole blob in order; the piece that completes it passes only if all of them were right. */
export class StreamCheck {
  readonly #ref: BlobRef;
  readonly #sizeBytes: number;
  readonly #hash = createHash("sha256");
  #seen = 0;
  /** Without a last piece that did not pass. */
  #passed: Hash = this.#hash;

  constructor(ref: BlobRef, sizeBytes: number) {
    this.#ref = ref;
    this.#sizeBytes = sizeBytes;
  }

  /** Throws `blob_corrupt` at the last piece, which the caller must not have passed on yet. */
  add(piece: Uint8Array): void {
    this.#seen += piece.length;
    if (this.#seen >= this.#sizeBytes) this.#passed = this.#hash.copy();
    this.#hash.update(piece);
    if (this.#seen < this.#sizeBytes) return;
    const found = this.#hash.digest("hex") as Digest;
    if (found !== this.#ref.digest) throw corrupt(this.#ref, `its bytes have digest ${found}`);
  }

  /** Of the pieces that passed, while the last one has not: to be copied, not to be used up. */
  get passed(): Hash {
    return this.#passed;
  }
}

export function corrupt(ref: BlobRef, why: string): KoboldError {
  return new KoboldError("blob_corrupt", `blob ${ref.namespace}/${ref.digest} is damaged: ${why}`);
}

/** Throws `range_not_satisfiable` unless the range lies inside a blob of this size. */
export function checkRange(range: ByteRange, sizeBytes: number): void {
  const { start, end } = range;
  const isSound = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start < end;
  if (isSound && end <= sizeBytes) return;
  throw new KoboldError("range_not_satisfiable", `bytes ${start} to ${end} do not lie within ${sizeBytes} bytes`);
}
