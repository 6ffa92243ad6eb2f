import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { KoboldError } from "@koboldfs/protocol";
import { type FileStats, readStats } from "./file-stats.js";
import { describe, isMissing } from "./system-failure.js";

/** A file that is read in one piece: `jobs` of them are in memory at once. */
export const SMALL_BYTES = 1024 * 1024;

/**
 * A disk that answers later than this, several times in a row, is asked through the thread pool for a while, so that
 * nothing else has to wait for it. Once may be another program that had the core.
 */
const SLOW_MS = 5;
const SLOW_IN_A_ROW = 8;
const FILES_THROUGH_POOL = 512;

export interface SmallFile {
  readonly bytes: Uint8Array;
  /** How it looked before and after it was read. */
  readonly stats: FileStats;
}

/**
 * Reads small files at once, on the main thread: of a file in the page cache each of the five calls takes less than the
 * way to the thread pool and back. When the disk turns out to be slow it says so.
 */
export class SmallFileReader {
  #throughPool = 0;
  #slowInARow = 0;

  /** Whether the next file should be read in another way, because the last ones kept everything else waiting. */
  isSlow(): boolean {
    this.#throughPool = Math.max(this.#throughPool - 1, 0);
    return this.#throughPool > 0;
  }

  /**
   * Throws what the system says of a file that is gone, `source_unreadable`, or `source_changed` when the file was written
   * to meanwhile, or is no longer small.
   */
  read(path: string): SmallFile {
    const startedMs = performance.now();
    try {
      return readAtOnce(path);
    } catch (cause) {
      if (cause instanceof KoboldError || isMissing(cause)) throw cause;
      throw new KoboldError("source_unreadable", `cannot read ${JSON.stringify(path)}: ${describe(cause)}`, { cause });
    } finally {
      this.#slowInARow = performance.now() - startedMs > SLOW_MS ? this.#slowInARow + 1 : 0;
      if (this.#slowInARow >= SLOW_IN_A_ROW) this.#throughPool = FILES_THROUGH_POOL;
    }
  }
}

function readAtOnce(path: string): SmallFile {
  // Without waiting: a pipe that took the file's place would keep us here until somebody writes to it.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const before = fstatSync(file, { bigint: true });
    if (!before.isFile()) throw new KoboldError("source_unreadable", `${JSON.stringify(path)} is not a regular file`);
    const stats = readStats(before, Date.now());
    if (stats.sizeBytes > SMALL_BYTES) throw changed(path);
    const bytes = Buffer.allocUnsafe(stats.sizeBytes);
    for (let filled = 0; filled < bytes.length; ) {
      const count = readSync(file, bytes, filled, bytes.length - filled, filled);
      if (count === 0) throw changed(path);
      filled += count;
    }
    const after = readStats(fstatSync(file, { bigint: true }), Date.now());
    if (after.fingerprint !== stats.fingerprint) throw changed(path);
    return { bytes, stats };
  } finally {
    closeSync(file);
  }
}

function changed(path: string): KoboldError {
  return new KoboldError("source_changed", `${JSON.stringify(path)} changed while it was read`);
}
