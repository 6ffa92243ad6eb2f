/** What a run has done so far. */
export class SyncTally {
  transferred = 0;
  transferredBytes = 0;
  /** Files that were the same on both sides. */
  skipped = 0;
  skippedBytes = 0;
  deleted = 0;
  /** Files that were read only to find out their digest. */
  hashed = 0;
  /** Bytes of files that are under way. */
  #flowingBytes = 0;

  /** Bytes that were moved, with those of files that are not complete yet. */
  get movedBytes(): number {
    return this.transferredBytes + this.#flowingBytes;
  }

  transfer(sizeBytes: number): void {
    this.transferred += 1;
    this.transferredBytes += sizeBytes;
  }

  skip(sizeBytes: number): void {
    this.skipped += 1;
    this.skippedBytes += sizeBytes;
  }

  /** Runs a transfer that tells, again and again, how far it is. */
  async watch<T>(transfer: (onProgress: (bytes: number) => void) => Promise<T>): Promise<T> {
    let seen = 0;
    const note = (bytes: number): void => {
      this.#flowingBytes += bytes - seen;
      seen = bytes;
    };
    try {
      return await transfer(note);
    } finally {
      note(0);
    }
  }
}
