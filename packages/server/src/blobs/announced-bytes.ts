import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Digest, KoboldError } from "@koboldfs/protocol";
import type { BlobWriteOptions, PlacedBlob } from "./blob-store.js";

/** A chunk is hashed in pieces of this size with a turn of the event loop between: about half a millisecond each. */
const HASH_PIECE_BYTES = 512 * 1024;

/** Hashes and counts the bytes of one blob and holds them against what was announced. Every store's writer has one. */
export class AnnouncedBytes {
  readonly #announced: BlobWriteOptions;
  readonly #hash = createHash("sha256");
  #sizeBytes = 0;

  constructor(announced: BlobWriteOptions) {
    this.#announced = announced;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Throws `body_too_long` as soon as there is more than announced. */
  async add(chunk: Uint8Array): Promise<void> {
    this.#sizeBytes += chunk.length;
    checkNotTooLong(this.#sizeBytes, this.#announced);
    if (chunk.length <= HASH_PIECE_BYTES) {
      this.#hash.update(chunk);
      return;
    }
    for (let start = 0; start < chunk.length; start += HASH_PIECE_BYTES) {
      this.#hash.update(chunk.subarray(start, start + HASH_PIECE_BYTES));
      await nextTurn();
    }
  }

  /** Call once, after the last byte. Throws `body_too_short` and `digest_mismatch`. */
  end(): PlacedBlob {
    checkNotTooShort(this.#sizeBytes, this.#announced);
    const digest = this.#hash.digest("hex") as Digest;
    const expected = this.#announced.digest;
    if (expected !== undefined && expected !== digest) {
      throw new KoboldError("digest_mismatch", `the bytes have digest ${digest}, announced was ${expected}`);
    }
    return { digest, sizeBytes: this.#sizeBytes };
  }
}

export function checkNotTooLong(sizeBytes: number, announced: BlobWriteOptions): void {
  if (announced.sizeBytes === undefined || sizeBytes <= announced.sizeBytes) return;
  throw new KoboldError("body_too_long", `more than the announced ${announced.sizeBytes} bytes arrived`);
}

export function checkNotTooShort(sizeBytes: number, announced: BlobWriteOptions): void {
  if (announced.sizeBytes === undefined || sizeBytes >= announced.sizeBytes) return;
  throw new KoboldError("body_too_short", `${sizeBytes} of the announced ${announced.sizeBytes} bytes arrived`);
}
