import { type BigIntStats, lstatSync, statSync } from "node:fs";

/** What a file looks like from outside: enough to tell whether it was written to since. */
export interface FileStats {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Size, time of the last write, time of the last change of anything, inode. Equal only while nobody wrote. */
  readonly fingerprint: string;
  /** Whether a later write is certain to change the fingerprint. */
  readonly isSettled: boolean;
}

/**
 * A file that was written twice within one tick of its file system's clock looks the same before and after. The coarsest
 * one (FAT) ticks every two seconds, so a fingerprint is good for later only when the last write was longer ago.
 */
const COARSEST_TICK_MS = 2_000;

export function readStats(stats: BigIntStats, nowMs: number): FileStats {
  const modifiedMs = Number(stats.mtimeNs / 1_000_000n);
  return {
    sizeBytes: Number(stats.size),
    modifiedMs,
    fingerprint: [stats.size, stats.mtimeNs, stats.ctimeNs, stats.ino].join("."),
    isSettled: nowMs - modifiedMs > COARSEST_TICK_MS,
  };
}

/**
 * Looks at a path; `follow` looks at what a link points to. Undefined when nothing is there. Done at once and not through
 * the thread pool, which would take ten times as long as the question itself, once for every file of the tree.
 */
export function lookAt(path: string, follow: boolean): BigIntStats | undefined {
  const options = { bigint: true, throwIfNoEntry: false } as const;
  return follow ? statSync(path, options) : lstatSync(path, options);
}
