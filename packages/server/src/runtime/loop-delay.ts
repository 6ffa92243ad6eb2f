import type { Clock } from "./clock.js";

/** Ten wakings a second are nothing, and who is busy for longer than this is always caught. */
const PERIOD_MS = 100;
/** From what a timer does by itself to what a client would call an outage. */
const BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] as const;

export interface LoopDelayCounts {
  /** How many were at most so late. */
  readonly buckets: readonly { readonly seconds: number; readonly count: number }[];
  readonly sumSeconds: number;
  readonly count: number;
}

/**
 * How late timers come because the event loop is busy, counted since the start: nothing is reset by who looks, so that any
 * number of them may.
 */
export class LoopDelay {
  readonly #clock: Clock;
  readonly #counts = BOUNDS_SECONDS.map(() => 0);
  #sumSeconds = 0;
  #count = 0;
  #cancel: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(): void {
    const dueMs = this.#clock.monotonic() + PERIOD_MS;
    this.#cancel = this.#clock.schedule(PERIOD_MS, () => {
      // Timers have whole milliseconds and may come a fraction of one early.
      this.#note(Math.max(0, this.#clock.monotonic() - dueMs) / 1000);
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  counts(): LoopDelayCounts {
    const buckets = BOUNDS_SECONDS.map((seconds, index) => ({ seconds, count: this.#counts[index] ?? 0 }));
    return { buckets, sumSeconds: this.#sumSeconds, count: this.#count };
  }

  #note(seconds: number): void {
    this.#count += 1;
    this.#sumSeconds += seconds;
    for (const [index, bound] of BOUNDS_SECONDS.entries()) {
      if (seconds <= bound) this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    }
  }
}
