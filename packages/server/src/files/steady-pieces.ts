import { createHash, type Hash } from "node:crypto";
import { KoboldError } from "@koboldfs/protocol";
import type { ByteRange, OpenBlob } from "../blobs/blob-store.js";
import { type BlobPieces, piecesOf } from "../blobs/piece-stream.js";
import type { BlobSources } from "./blob-sources.js";

export interface SteadyPiecesOptions {
  readonly sources: Pick<BlobSources, "openNext" | "fail">;
  /** What the first source opened. */
  readonly first: OpenBlob["content"];
  readonly sizeBytes: number;
  /** Undefined for the whole blob. */
  readonly range: ByteRange | undefined;
}

/**
 * A blob's bytes that go on from the next source when one fails midway.
 *
 * Bytes that were given out cannot be taken back. So when the whole blob is read, the next source's bytes from the start
 * are held against them by SHA-256 (which a disk computes anyway), and its own end is proved by its store: they end well
 * only with the right bytes. A range proves nothing, with or without a failure.
 */
export class SteadyPieces implements BlobPieces {
  readonly #sources: SteadyPiecesOptions["sources"];
  readonly #span: ByteRange;
  readonly #whole: boolean;
  #source: BlobPieces;
  /** Of what was given out, where the source does not know it. */
  #given: Hash | undefined;
  #givenBytes = 0;
  #isClosed = false;

  constructor({ sources, first, sizeBytes, range }: SteadyPiecesOptions) {
    this.#sources = sources;
    this.#whole = range === undefined;
    this.#span = range ?? { start: 0, end: sizeBytes };
    this.#source = piecesOf(first);
    if (this.#whole && this.#source.hashOfGiven === undefined) this.#given = createHash("sha256");
  }

  async next(): Promise<Buffer | undefined> {
    for (;;) {
      try {
        const piece = await this.#source.next();
        if (piece === undefined) this.#checkEnd();
        else this.#note(piece);
        return piece;
      } catch (error) {
        if (this.#isClosed) throw error;
        const fresh = await this.#goOn(error);
        if (fresh.length > 0) return fresh;
      }
    }
  }

  recycle(piece: Buffer): void {
    this.#source.recycle(piece);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#source.close();
  }

  #note(piece: Buffer): void {
    this.#given?.update(piece);
    this.#givenBytes += piece.length;
  }

  #checkEnd(): void {
    if (this.#givenBytes < this.#span.end - this.#span.start) {
      throw new KoboldError("blob_corrupt", "the blob ended early");
    }
  }

  /** Turns to the next source that has the same beginning; answers what of its last piece there goes beyond. */
  async #goOn(cause: unknown): Promise<Buffer> {
    let failure = cause;
    for (;;) {
      this.#given = this.#whole ? (this.#given ?? this.#source.hashOfGiven?.())?.copy() : undefined;
      await this.#source.close();
      this.#sources.fail(failure);
      const { content } = await this.#sources.openNext(this.#rest());
      this.#source = piecesOf(content);
      if (this.#isClosed) await this.#source.close();
      if (!this.#whole) return Buffer.alloc(0);
      try {
        return await this.#skipGiven();
      } catch (error) {
        if (error instanceof GivenBytesBad) throw new KoboldError("blob_corrupt", error.message);
        failure = error;
      }
    }
  }

  async #skipGiven(): Promise<Buffer> {
    const skipped = createHash("sha256");
    for (let left = this.#givenBytes; left > 0; ) {
      const piece = await this.#source.next();
      if (piece === undefined) throw new KoboldError("blob_corrupt", "the blob ended early");
      const known = piece.subarray(0, left);
      skipped.update(known);
      left -= known.length;
      if (left > 0) {
        this.#source.recycle(piece);
        continue;
      }
      if (skipped.copy().digest("hex") !== this.#given?.copy().digest("hex")) {
        throw new GivenBytesBad("the bytes that were sent already were bad");
      }
      const fresh = piece.subarray(known.length);
      this.#note(fresh);
      return fresh;
    }
    return Buffer.alloc(0);
  }

  #rest(): ByteRange | undefined {
    if (this.#whole) return undefined;
    return { start: this.#span.start + this.#givenBytes, end: this.#span.end };
  }
}

/** Nothing can be made good any more. */
class GivenBytesBad extends Error {}
