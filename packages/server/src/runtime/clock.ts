/** Time as the code above may see it, so that tests can hold it still. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. For people and for signatures; never for deciding what came first. */
  now(): number;
  /** Monotonic milliseconds; only differences mean anything. */
  monotonic(): number;
  /** Resolves after the time, or at once when the signal fires. Does not keep the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      timer.unref();
      signal?.addEventListener("abort", end, { once: true });
    }),
};
