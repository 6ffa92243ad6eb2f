import type { Clock } from "./clock.js";

/**
 * The result of `work`, or a rejection with `late()` when it takes longer than `ms`. The work is not stopped: whoever
 * gives up on it also ends it. Its own late failure is swallowed here, since nobody is left to hear it.
 */
export async function withDeadline<T>(work: Promise<T>, limit: DeadlineOptions): Promise<T> {
  const settled = new AbortController();
  const expired = limit.clock.sleep(limit.ms, settled.signal).then((): T | Promise<T> => {
    // An aborted sleep resolves too, but by then the race is over and this value goes nowhere.
    return settled.signal.aborted ? work : Promise.reject(limit.late());
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    settled.abort();
  }
}

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly ms: number;
  /** Makes the error of one that came too late. */
  readonly late: () => Error;
}
