import { KoboldError } from "@koboldfs/protocol";
import type { Clock } from "../runtime/clock.js";

/**
 * How long a node that failed is asked last. Long enough that a hanging node does not cost every put its time-out,
 * short enough that one lost connection does not turn the copies of a whole minute into debts.
 */
const FAILURE_MEMORY_MS = 5_000;
/** A node that keeps failing is complained of this often: the reason is worth a line, not one for each put. */
const COMPLAIN_AGAIN_MS = 60_000;
/** Pause before a failed node is asked whether it answers again. */
const PING_AFTER_MS = 1_000;
const PING_TIMEOUT_MS = 2_000;

export interface FailureMemoryOptions {
  readonly clock: Clock;
  /** Resolves when the node answers. */
  readonly ping: (signal: AbortSignal) => Promise<void>;
  /** Called with the reason of a failure that is news. */
  readonly complain: (cause: unknown) => void;
}

/** Remembers for a while that a node failed, or until it answers again. */
export class FailureMemory {
  readonly #options: FailureMemoryOptions;
  readonly #closing = new AbortController();
  #untilMs = Number.NEGATIVE_INFINITY;
  #pinging = false;
  #complainedMs = Number.NEGATIVE_INFINITY;

  constructor(options: FailureMemoryOptions) {
    this.#options = options;
  }

  get failedLately(): boolean {
    return this.#options.clock.monotonic() < this.#untilMs;
  }

  /** A node that could not be reached is forgiven when it answers a ping; one that answered badly, by time only. */
  report(cause: unknown): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#complainedMs > COMPLAIN_AGAIN_MS) {
      this.#complainedMs = now;
      this.#options.complain(cause);
    }
    this.#untilMs = now + FAILURE_MEMORY_MS;
    const unreachable = !(cause instanceof KoboldError) || cause.code === "peer_failed";
    if (unreachable && !this.#pinging) void this.#pingUntilForgiven();
  }

  close(): void {
    this.#closing.abort();
  }

  async #pingUntilForgiven(): Promise<void> {
    const { clock, ping } = this.#options;
    const { signal } = this.#closing;
    this.#pinging = true;
    await clock.sleep(PING_AFTER_MS, signal);
    while (this.failedLately && !signal.aborted) {
      const answered = await ping(AbortSignal.timeout(PING_TIMEOUT_MS)).then(
        () => true,
        // Not answering is the expected state of a node that just failed.
        () => false,
      );
      if (answered) this.#untilMs = Number.NEGATIVE_INFINITY;
      else await clock.sleep(PING_AFTER_MS, signal);
    }
    this.#pinging = false;
  }
}
