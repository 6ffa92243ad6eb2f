import type { Pace } from "../model/time-left.js";
import type { Clock } from "../runtime/clock.js";

/** Long enough that a pause between two pages of debts does not show, short enough that a change does. */
const WINDOW_MS = 60_000;
/** What happened within this time is counted together: the window is a dozen numbers, whatever goes on. */
const BUCKET_MS = 5_000;
/** A pace over less than this is a guess. */
const LEAST_MS = 1_000;

interface Bucket {
  readonly atMs: number;
  files: number;
  bytes: number;
}

/** How many blobs and bytes went by in the last minute. */
export class PaceMeter {
  readonly #clock: Clock;
  #buckets: Bucket[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(bytes: number): void {
    const now = this.#clock.monotonic();
    let last = this.#buckets.at(-1);
    if (last === undefined || now - last.atMs >= BUCKET_MS) {
      last = { atMs: now, files: 0, bytes: 0 };
      this.#buckets = [...this.#buckets.filter(({ atMs }) => now - atMs < WINDOW_MS), last];
    }
    last.files += 1;
    last.bytes += bytes;
  }

  pace(): Pace {
    const now = this.#clock.monotonic();
    const recent = this.#buckets.filter(({ atMs }) => now - atMs < WINDOW_MS);
    const [first] = recent;
    if (first === undefined) return { filesPerSecond: 0, bytesPerSecond: 0 };
    const seconds = Math.max(now - first.atMs, LEAST_MS) / 1000;
    const sum = (of: (bucket: Bucket) => number) => recent.reduce((all, bucket) => all + of(bucket), 0);
    return { filesPerSecond: sum(({ files }) => files) / seconds, bytesPerSecond: sum(({ bytes }) => bytes) / seconds };
  }
}
