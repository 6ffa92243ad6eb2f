import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "./clock.js";

/** Enough for what wakes to run through its promises to the next sleep; real input and output need more and a real clock. */
const TURNS_TO_SETTLE = 10;

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** A clock that stands still until it is told to move: for tests of everything that waits. */
export class SimulatedClock implements Clock {
  #elapsedMs = 0;
  readonly #startMs: number;
  readonly #startMonotonicMs: number;
  readonly #sleepers = new Set<Sleeper>();

  /** `startMonotonicMs`: for tests whose other parts go by the real clock. */
  constructor(startMs = Date.UTC(2025, 0, 1), startMonotonicMs = 0) {
    this.#startMs = startMs;
    this.#startMonotonicMs = startMonotonicMs;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#startMonotonicMs + this.#elapsedMs;
  }

  /** How far it was moved. */
  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** How many sleeps have not ended. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        cancel();
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const cancel = this.schedule(ms, end);
      signal?.addEventListener("abort", end, { once: true });
    });
  }

  schedule(ms: number, wake: () => void): () => void {
    const cancel = () => void this.#sleepers.delete(sleeper);
    const sleeper = {
      until: this.#elapsedMs + ms,
      wake: () => {
        cancel();
        wake();
      },
    };
    this.#sleepers.add(sleeper);
    return cancel;
  }

  /** Moves time on, waking sleepers in order; whoever wakes gets turns of the event loop before time moves further. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsedMs + ms;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#elapsedMs = Math.max(this.#elapsedMs, next.until);
      next.wake();
      await settle();
    }
    this.#elapsedMs = end;
  }

  #next(end: number): Sleeper | undefined {
    return [...this.#sleepers].filter(({ until }) => until <= end).sort((a, b) => a.until - b.until)[0];
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS_TO_SETTLE; turn += 1) await nextTurn();
}
