/**
 * While less than this is unsynced on a volume Linux makes no writer wait for its disk, on a machine with a gigabyte of memory
 * or more: it begins at a tenth or so of what is free.
 */
const FEW_BYTES = 64 * 1024 * 1024;

/** What all running writes of a volume have given the kernel and no fsync covers yet. */
export class UnsyncedBytes {
  #bytes = 0;

  /** Whether a write ends in the kernel's memory, so that nobody waits for the disk in it. */
  get areFew(): boolean {
    return this.#bytes < FEW_BYTES;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** They are synced, or thrown away. */
  remove(bytes: number): void {
    this.#bytes -= bytes;
  }
}
