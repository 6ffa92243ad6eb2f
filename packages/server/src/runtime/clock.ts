/** Time as the code above may see it, so that tests can hold it still. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. For people and for signatures; never for deciding what came first. */
  now(): number;
  /** Monotonic milliseconds, the same in every thread of the process; only differences mean anything. */
  monotonic(): number;
  /** Resolves after the time, or at once when the signal fires. Does not keep the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls `wake` once after the time, unless the function that it answers is called before. Does not keep the process
   * alive. For hot paths: an AbortSignal that is only made to cancel a sleep costs fifty times as much.
   */
  schedule(ms: number, wake: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  // performance.now() begins anew in each thread.
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        cancel();
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const cancel = systemClock.schedule(ms, end);
      signal?.addEventListener("abort", end, { once: true });
    }),
  schedule: (ms, wake) => {
    const timer = setTimeout(wake, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
