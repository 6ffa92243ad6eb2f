/** Pieces that wait for use: what sixteen downloads at full speed have in hand. */
const MAX_IDLE = 32;
/** While so many are lent, nobody reads ahead, and who wants another piece gets a small one: many slow readers hold little. */
export const MAX_LENT = 64;
const SMALL_PIECE_BYTES = 128 * 1024;

/**
 * Memory for pieces of blobs, used again and again. A piece of its own for each read costs more than the read: the kernel
 * clears its pages, and V8 collects its heap for the sake of bytes that are not in it.
 */
export class PiecePool {
  readonly #pieceBytes: number;
  readonly #maxLent: number;
  readonly #idle: ArrayBuffer[] = [];
  /** Only what was lent comes back, and once: a foreign buffer, or one that two readers have, would be overwritten. */
  readonly #lent = new WeakSet<ArrayBufferLike>();

  constructor(pieceBytes: number, maxLent = MAX_LENT) {
    this.#pieceBytes = pieceBytes;
    this.#maxLent = maxLent;
  }

  #lentCount = 0;

  /** Whether there is room for what nobody waits for yet. */
  get isRoomy(): boolean {
    return this.#lentCount < this.#maxLent;
  }

  /**
   * A piece of this size, which is at most that of the pool, or a smaller one when many are lent. What stands in it is what
   * somebody read before. Ends with `giveBack` or `forget`.
   */
  take(sizeBytes: number): Buffer {
    if (!this.isRoomy) return Buffer.allocUnsafeSlow(Math.min(sizeBytes, SMALL_PIECE_BYTES));
    const memory = this.#idle.pop() ?? Buffer.allocUnsafeSlow(this.#pieceBytes).buffer;
    this.#lent.add(memory);
    this.#lentCount += 1;
    return Buffer.from(memory as ArrayBuffer, 0, sizeBytes);
  }

  /** Anything else than a piece that was taken here and has not come back is passed over. */
  giveBack(piece: Buffer): void {
    if (this.forget(piece) && this.#idle.length < Math.min(MAX_IDLE, this.#maxLent))
      this.#idle.push(piece.buffer as ArrayBuffer);
  }

  /** The piece is its reader's for good. False when it was not lent. */
  forget(piece: Buffer): boolean {
    const isOurs = this.#lent.delete(piece.buffer);
    if (isOurs) this.#lentCount -= 1;
    return isOurs;
  }
}
