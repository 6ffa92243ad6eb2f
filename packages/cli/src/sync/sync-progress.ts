import { formatCount, formatFiles, formatSize } from "../output/sizes.js";
import type { SyncTally } from "./sync-tally.js";

/** The rate is that of the last while, so that it follows what happens, and not of a moment, so that it can be read. */
const WINDOW_SECONDS = 10;

/** How many files and bytes the source has, as far as they were counted. */
export interface SyncTotals {
  files: number;
  bytes: number;
  /** Everything was counted. */
  isComplete: boolean;
}

interface Sample {
  readonly seconds: number;
  readonly files: number;
  readonly bytes: number;
  readonly movedBytes: number;
}

/** Makes the line that tells how far a run is, how fast, and how long it still takes. */
export class SyncProgress {
  readonly #tally: SyncTally;
  readonly #totals: SyncTotals;
  readonly #samples: Sample[] = [{ seconds: 0, files: 0, bytes: 0, movedBytes: 0 }];

  constructor(tally: SyncTally, totals: SyncTotals) {
    this.#tally = tally;
    this.#totals = totals;
  }

  /** `seconds` since the start of the run. */
  format(seconds: number): string {
    const now = this.#sample(seconds);
    const since = this.#samples[0] ?? now;
    const span = Math.max(now.seconds - since.seconds, Number.EPSILON);
    const parts = [
      this.#share(now),
      `${formatSize(now.movedBytes)} moved`,
      `${formatSize((now.movedBytes - since.movedBytes) / span)}/s`,
      `${formatFiles(Math.round((now.files - since.files) / span))}/s`,
    ];
    const left = this.#secondsLeft(now, since);
    if (left !== undefined) parts.push(`${formatSeconds(left)} left`);
    return parts.join(", ");
  }

  #sample(seconds: number): Sample {
    const { transferred, skipped, skippedBytes, movedBytes } = this.#tally;
    const now = { seconds, files: transferred + skipped, bytes: movedBytes + skippedBytes, movedBytes };
    this.#samples.push(now);
    while (this.#samples.length > 2 && (this.#samples[1]?.seconds ?? 0) < seconds - WINDOW_SECONDS)
      this.#samples.shift();
    return now;
  }

  #share({ files, bytes }: Sample): string {
    const { files: allFiles, bytes: allBytes, isComplete } = this.#totals;
    if (!isComplete) return `${formatFiles(files)} of at least ${formatCount(Math.max(allFiles, files))}`;
    const percent = allBytes === 0 ? 100 : Math.floor(Math.min(bytes / allBytes, 1) * 100);
    return `${formatCount(files)} of ${formatFiles(allFiles)}, ${percent} % of ${formatSize(allBytes)}`;
  }

  /** Small files cost by their number, large ones by their bytes: whichever takes longer. */
  #secondsLeft(now: Sample, since: Sample): number | undefined {
    if (!this.#totals.isComplete || now.seconds === since.seconds) return undefined;
    const span = now.seconds - since.seconds;
    const byFiles = secondsFor(this.#totals.files - now.files, (now.files - since.files) / span);
    const byBytes = secondsFor(this.#totals.bytes - now.bytes, (now.bytes - since.bytes) / span);
    const left = Math.max(byFiles, byBytes);
    return Number.isFinite(left) ? left : undefined;
  }
}

function secondsFor(amount: number, rate: number): number {
  return amount <= 0 ? 0 : amount / rate;
}

/** `42 s`, `3 min 20 s`, `2 h 5 min`. */
function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${formatCount(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}
