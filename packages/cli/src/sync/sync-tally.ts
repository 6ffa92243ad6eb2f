/** What a run has done so far. */
export class SyncTally {
  transferred = 0;
  transferredBytes = 0;
  /** Files that were the same on both sides. */
  skipped = 0;
  deleted = 0;
}
