/** How fast something goes, over the last minute. */
export interface Pace {
  readonly filesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** An amount of blobs. */
export interface Amount {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Seconds until the amount is done at this pace; undefined while nothing goes on, since that is no answer. Small blobs
 * are bound by their number and large ones by their bytes: the slower of the two counts.
 */
export function estimateSecondsLeft({ files, bytes }: Amount, pace: Pace): number | undefined {
  if (files === 0) return 0;
  if (pace.filesPerSecond <= 0) return undefined;
  const byFiles = files / pace.filesPerSecond;
  const byBytes = bytes === 0 || pace.bytesPerSecond <= 0 ? 0 : bytes / pace.bytesPerSecond;
  return Math.ceil(Math.max(byFiles, byBytes));
}
