/** The rate is that of the last seconds: long enough to be steady, short enough to tell what the network does now. */
const WINDOW_SECONDS = 8;
/** Samples closer together than this add nothing. */
const SAMPLE_SECONDS = 0.2;

interface Sample {
  readonly seconds: number;
  readonly bytes: number;
}

/** Bytes per second, lately. Holds no clock: every call says what time it is, in seconds from any beginning. */
export class RateMeter {
  /** In order; the first is the oldest inside the window, or just before it. */
  #samples: Sample[] = [];

  /** The rate now that so many bytes are done; undefined before there is anything to compare with. */
  measure(bytes: number, seconds: number): number | undefined {
    const last = this.#samples.at(-1);
    if (last === undefined || seconds - last.seconds >= SAMPLE_SECONDS) this.#samples.push({ seconds, bytes });
    const kept = this.#samples.findLastIndex((sample) => seconds - sample.seconds >= WINDOW_SECONDS);
    if (kept > 0) this.#samples = this.#samples.slice(kept);
    const first = this.#samples[0];
    if (first === undefined || seconds <= first.seconds) return undefined;
    // A transfer that began anew has done less than before; that is no rate.
    return Math.max(bytes - first.bytes, 0) / (seconds - first.seconds);
  }
}
