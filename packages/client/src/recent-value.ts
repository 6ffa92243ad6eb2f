/** How old a value may be: nodes say that they live about once a second. */
const MAX_AGE_MS = 2_000;

/** A value that is asked for often and may be a little old. Those who ask at the same time share one request. */
export class RecentValue<T> {
  #value: Promise<T> | undefined;
  #askedAtMs = 0;

  get(ask: () => Promise<T>): Promise<T> {
    const nowMs = performance.now();
    if (this.#value !== undefined && nowMs - this.#askedAtMs < MAX_AGE_MS) return this.#value;
    const asked = ask();
    this.#value = asked;
    this.#askedAtMs = nowMs;
    // A failure is nobody's value: the next one asks anew.
    asked.catch(() => {
      if (this.#value === asked) this.#value = undefined;
    });
    return asked;
  }
}
