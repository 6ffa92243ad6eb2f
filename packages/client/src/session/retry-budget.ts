/** The first pause after every server was tried in vain; doubled with each round. */
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 2_000;
/** Progress starts the deadline anew, so something else has to end an operation whose servers die again and again. */
const MAX_ATTEMPTS = 50;

/**
 * How long one operation goes on trying. Pure but for its own counters: every call says what time it is.
 * The deadline counts from the start, or from the last byte that got through.
 */
export class RetryBudget {
  readonly #deadlineMs: number;
  readonly #random: () => number;
  #sinceMs: number;
  #furthest = 0;
  #rounds = 0;
  #attempts = 0;

  constructor(deadlineMs: number, nowMs: number, random: () => number) {
    this.#deadlineMs = deadlineMs;
    this.#sinceMs = nowMs;
    this.#random = random;
  }

  /** Bytes got through up to `position`. Only a position that no earlier attempt reached is progress. */
  noteProgress(position: number, nowMs: number): void {
    if (position <= this.#furthest) return;
    this.#furthest = position;
    this.#sinceMs = nowMs;
    this.#rounds = 0;
  }

  /** Whether another attempt may begin at once. */
  allowsAttempt(nowMs: number): boolean {
    this.#attempts += 1;
    return this.#attempts < MAX_ATTEMPTS && nowMs - this.#sinceMs < this.#deadlineMs;
  }

  /** The pause before the next round of all servers; undefined when the operation has to give up. */
  nextBackoffMs(nowMs: number, retryAfterMs = 0): number | undefined {
    const ceilingMs = Math.min(FIRST_BACKOFF_MS * 2 ** this.#rounds, LONGEST_BACKOFF_MS);
    this.#rounds += 1;
    // Between half and all of the ceiling: spread out, but never a busy loop.
    const backoffMs = Math.max(ceilingMs * (0.5 + 0.5 * this.#random()), Math.min(retryAfterMs, LONGEST_BACKOFF_MS));
    return nowMs + backoffMs - this.#sinceMs < this.#deadlineMs ? backoffMs : undefined;
  }
}
