import type { BlobWrite, PlacedBlob } from "./blob-store.js";

/** What a store does at each step of a write. Steps never overlap, and nothing follows `discard`. */
export interface WriteSteps {
  append(chunk: Uint8Array): Promise<void>;
  /** Makes the blob durable. Calls `lastChance` right before the name becomes visible: it throws when nobody wants it. */
  complete(lastChance: () => void): Promise<PlacedBlob>;
  /** Called at once when the write is aborted while a step runs: for steps that wait for someone else. */
  interrupt?(): void;
  /** Forgets everything; called once after a failure or an abort, never after `complete` resolved. Never throws. */
  discard(): Promise<void>;
}

/**
 * The life of a write, the same for every store: one step at a time, the first failure forgets everything, an abort
 * (called, or by signal) waits for the running step, and a finished write cannot be aborted any more.
 */
export class GuardedWrite implements BlobWrite {
  readonly #steps: WriteSteps;
  readonly #signal: AbortSignal | undefined;
  #state: "open" | "finished" | "ended" = "open";
  #running: Promise<unknown> | undefined;
  #cancelled: Error | undefined;
  #discarded: Promise<void> | undefined;

  /** Throws the signal's reason when it has fired already; the caller discards the steps then. */
  constructor(steps: WriteSteps, signal?: AbortSignal) {
    signal?.throwIfAborted();
    this.#steps = steps;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onSignal, { once: true });
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#run(() => this.#steps.append(chunk));
  }

  async finish(): Promise<PlacedBlob> {
    const placed = await this.#run(() => this.#steps.complete(this.#lastChance), "finished");
    this.#release();
    return placed;
  }

  async abort(): Promise<void> {
    await this.#cancel(new DOMException("the write was aborted", "AbortError"));
  }

  readonly #onSignal = (): void => {
    void this.#cancel(toError(this.#signal?.reason));
  };

  readonly #lastChance = (): void => {
    if (this.#cancelled !== undefined) throw this.#cancelled;
  };

  async #run<T>(step: () => Promise<T>, next: "open" | "finished" = "open"): Promise<T> {
    if (this.#cancelled !== undefined) throw this.#cancelled;
    if (this.#state !== "open") throw new Error(`a write that has ${this.#state} takes nothing more`);
    if (this.#running !== undefined) throw new Error("a write takes one step at a time");
    const running = step();
    this.#running = running;
    try {
      const result = await running;
      if (next === "open") this.#lastChance();
      this.#state = next;
      return result;
    } catch (error) {
      this.#state = "ended";
      await this.#discard();
      throw this.#cancelled ?? error;
    } finally {
      this.#running = undefined;
    }
  }

  async #cancel(reason: Error): Promise<void> {
    if (this.#state === "finished") return;
    this.#cancelled ??= reason;
    if (this.#running !== undefined) {
      this.#steps.interrupt?.();
      // Whoever started the step hears of its failure; here it only has to be over.
      await this.#running.then(ignore, ignore);
      if (this.#isFinished()) return;
    }
    this.#state = "ended";
    await this.#discard();
  }

  #isFinished(): boolean {
    return this.#state === "finished";
  }

  #discard(): Promise<void> {
    this.#release();
    this.#discarded ??= this.#steps.discard();
    return this.#discarded;
  }

  #release(): void {
    this.#signal?.removeEventListener("abort", this.#onSignal);
  }
}

const ignore = () => {};

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("the write was aborted", { cause: reason });
}
