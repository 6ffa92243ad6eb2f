import { once } from "node:events";
import type { Writable } from "node:stream";
import { KoboldError } from "@koboldfs/protocol";
import type { Sink } from "../transfer/sink.js";

/** A Writable that belongs to the caller: never ended here. */
export class StreamSink implements Sink {
  readonly #stream: Writable;
  #failure: Error | undefined;
  readonly #remember = (failure: Error): void => {
    this.#failure = failure;
  };

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("error", this.#remember);
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    this.#throwIfBroken();
    return this.#stream.write(bytes) ? undefined : this.#drain();
  }

  /** Everything has been handed to the system. */
  async finish(): Promise<void> {
    this.#throwIfBroken();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#stream.write("", (failure) => (failure ? reject(failure) : resolve()));
      });
    } catch (cause) {
      throw brokenStream(cause);
    } finally {
      await this.abandon();
    }
  }

  async abandon(): Promise<void> {
    this.#stream.off("error", this.#remember);
  }

  async #drain(): Promise<void> {
    const ended = new AbortController();
    try {
      const closed = once(this.#stream, "close", { signal: ended.signal });
      await Promise.race([once(this.#stream, "drain", { signal: ended.signal }), closed]);
    } catch (cause) {
      throw brokenStream(cause);
    } finally {
      ended.abort();
    }
    this.#throwIfBroken();
  }

  #throwIfBroken(): void {
    if (this.#failure !== undefined || this.#stream.destroyed || this.#stream.writableEnded) {
      throw brokenStream(this.#failure);
    }
  }
}

/** A WritableStream that belongs to the caller: locked while the file comes, never closed here. */
export class WebStreamSink implements Sink {
  readonly #writer: WritableStreamDefaultWriter<unknown>;

  constructor(stream: WritableStream) {
    this.#writer = stream.getWriter();
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      await this.#writer.ready;
      await this.#writer.write(bytes);
    } catch (cause) {
      throw brokenStream(cause);
    }
  }

  async finish(): Promise<void> {
    this.#writer.releaseLock();
  }

  async abandon(): Promise<void> {
    this.#writer.releaseLock();
  }
}

function brokenStream(cause: unknown): KoboldError {
  return new KoboldError("target_unwritable", "the stream that the file goes to is closed or failed", { cause });
}
