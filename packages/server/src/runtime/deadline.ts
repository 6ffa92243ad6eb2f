import type { Clock } from "./clock.js";

/**
 * The result of `work`, or a rejection with `late()` when it takes longer than `ms`. The work is not stopped: whoever
 * gives up on it also ends it. Its own late failure is swallowed here, since nobody is left to hear it.
 */
export function withDeadline<T>(work: Promise<T>, { clock, ms, late }: DeadlineOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(ms, () => reject(late()));
    work.finally(cancel).then(resolve, reject);
  });
}

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly ms: number;
  /** Makes the error of one that came too late. */
  readonly late: () => Error;
}
