import type { Writable } from "node:stream";
import { brokenStream, type Sink } from "../transfer/sink.js";

/** A Writable that belongs to the caller: never ended here. */
export class StreamSink implements Sink {
  readonly #stream: Writable;
  #failure: Error | undefined;
  /** Writes that the stream has not done yet. */
  #pending = 0;
  #wake: (() => void) | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("error", this.#remember).on("close", this.#remember);
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    this.#throwIfBroken();
    this.#pending += 1;
    return this.#stream.write(bytes, this.#done) ? undefined : this.#settle();
  }

  /** Everything has been handed on. */
  async finish(): Promise<void> {
    await this.#settle();
    await this.abandon();
  }

  async abandon(): Promise<void> {
    this.#stream.off("error", this.#remember).off("close", this.#remember);
  }

  readonly #done = (failure?: Error | null): void => {
    this.#pending -= 1;
    if (failure) this.#remember(failure);
    else if (this.#pending === 0) this.#wake?.();
  };

  readonly #remember = (failure?: Error): void => {
    this.#failure ??= failure ?? new Error("the stream was closed");
    this.#wake?.();
  };

  /** Resolves when nothing is pending. */
  async #settle(): Promise<void> {
    this.#throwIfBroken();
    while (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#throwIfBroken();
    }
  }

  #throwIfBroken(): void {
    const { destroyed, writableEnded } = this.#stream;
    if (this.#failure !== undefined || destroyed || writableEnded) throw brokenStream(this.#failure);
  }
}
