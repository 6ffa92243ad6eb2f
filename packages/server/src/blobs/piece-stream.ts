import type { Hash } from "node:crypto";
import { Readable } from "node:stream";

/**
 * Bytes in order, handed out one piece at a time: what lies below a stream, for readers in a hurry. A stream costs a
 * dozen calls and promises for each piece, and its pieces cannot be used again.
 */
export interface BlobPieces {
  /** The next piece, never empty; undefined behind the last. Rejects as a stream fails. Not called again before it settled. */
  next(): Promise<Buffer | undefined>;
  /** Says that nobody reads this piece any more, so that its memory may be used again. May be left out. */
  recycle(piece: Buffer): void;
  /** The SHA-256 of all pieces so far, where it is computed anyway. To be copied, not to be used up. */
  hashOfGiven?(): Hash | undefined;
  /** Releases what they come from, also in the middle of a `next`. Idempotent; never rejects. */
  close(): Promise<void>;
}

/** The pieces as a stream, which reads none before somebody reads from it. */
export class PieceStream extends Readable {
  /** For who takes the pieces without the stream: then this is who closes them, and leaves the stream alone. */
  readonly pieces: BlobPieces;

  constructor(pieces: BlobPieces, signal?: AbortSignal) {
    super(signal === undefined ? {} : { signal });
    this.pieces = pieces;
  }

  override _read(): void {
    this.pieces.next().then(
      (piece) => this.push(piece ?? null),
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const end = () => callback(error);
    void this.pieces.close().then(end, end);
  }
}

/** The pieces of whatever a store opened. */
export function piecesOf(content: Buffer | Readable): BlobPieces {
  if (content instanceof PieceStream) return content.pieces;
  return new StreamPieces(Buffer.isBuffer(content) ? Readable.from([content], { objectMode: false }) : content);
}

class StreamPieces implements BlobPieces {
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Buffer>;

  constructor(stream: Readable) {
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async next(): Promise<Buffer | undefined> {
    const chunk = await this.#chunks.next();
    return chunk.done === true ? undefined : chunk.value;
  }

  /** They belong to whoever made the stream. */
  recycle(): void {}

  async close(): Promise<void> {
    this.#stream.destroy();
  }
}
