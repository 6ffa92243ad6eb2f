import type { Debt } from "../catalog/catalog.js";
import type { Clock } from "../runtime/clock.js";

const FIRST_PAUSE_MS = 2_000;
/** A debt that nobody can pay is looked at again this often, in case somebody put the disk back. */
const LONGEST_PAUSE_MS = 5 * 60_000;
/** Debts remembered at most: beyond it the oldest are forgotten, and so tried again earlier than they need to be. */
const MAX_REMEMBERED = 50_000;

/** Remembers which debts nobody could pay, so that they do not stand in the way of others. */
export class DebtBackoff {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { failures: number; untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isWaiting(debt: Debt): boolean {
    const entry = this.#entries.get(keyOf(debt));
    return entry !== undefined && this.#clock.monotonic() < entry.untilMs;
  }

  /** It could not be paid: it waits twice as long as the last time. */
  delay(debt: Debt): void {
    const key = keyOf(debt);
    const failures = (this.#entries.get(key)?.failures ?? 0) + 1;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
    this.#entries.delete(key);
    this.#entries.set(key, { failures, untilMs: this.#clock.monotonic() + pauseMs });
    const oldest = this.#entries.size > MAX_REMEMBERED ? this.#entries.keys().next().value : undefined;
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  forget(debt: Debt): void {
    this.#entries.delete(keyOf(debt));
  }

  clear(): void {
    this.#entries.clear();
  }
}

function keyOf({ namespace, digest }: Debt): string {
  return `${namespace}/${digest}`;
}
