import { KoboldError } from "@koboldfs/protocol";
import { type SourceBody, toBytes } from "./source-body.js";

/** So much of a stream's beginning is kept, so that a server that fails early does not fail the put. */
const KEPT_BYTES = 1024 * 1024;

/** A stream that can be read only once. Its beginning is kept, and as long as that is all of it, it can be sent again. */
export class StreamBody implements SourceBody {
  readonly #iterator: AsyncIterator<unknown>;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  /** Pieces that were read and are kept no longer. */
  #dropped = 0;
  #pull: Promise<void> | undefined;
  #ended = false;
  #failure: { cause: unknown } | undefined;
  #reader = 0;

  constructor(stream: AsyncIterable<unknown>) {
    this.#iterator = stream[Symbol.asyncIterator]();
  }

  async *read(): AsyncGenerator<Uint8Array> {
    if (this.#dropped > 0) {
      throw new KoboldError("source_consumed", "a part of the stream was sent to a server that failed");
    }
    this.#reader += 1;
    const reader = this.#reader;
    for (let index = 0; reader === this.#reader; ) {
      const chunk = this.#kept[index - this.#dropped];
      if (chunk !== undefined) {
        index += 1;
        yield chunk;
      } else if (this.#failure !== undefined) {
        throw new KoboldError("source_unreadable", "the source stream failed", this.#failure);
      } else if (this.#ended) {
        return;
      } else {
        // A pull that an earlier reader left behind is this reader's too.
        this.#pull ??= this.#pullNext();
        await this.#pull;
      }
    }
  }

  async close(): Promise<void> {
    this.#reader += 1;
    this.#kept = [];
    if (this.#ended) return;
    const returned = this.#iterator.return?.();
    if (this.#pull === undefined) await returned;
    // A source that is stuck would keep us here for ever; what it says to its end interests nobody.
    else returned?.catch(() => undefined);
  }

  async #pullNext(): Promise<void> {
    try {
      const next = await this.#iterator.next();
      if (next.done === true) this.#ended = true;
      else this.#keep(toBytes(next.value));
    } catch (cause) {
      this.#ended = true;
      this.#failure = { cause };
    }
    this.#pull = undefined;
  }

  #keep(chunk: Uint8Array): void {
    this.#keptBytes += chunk.length;
    if (this.#dropped > 0 || this.#keptBytes > KEPT_BYTES) {
      this.#dropped += this.#kept.length;
      this.#kept = [];
    }
    this.#kept.push(chunk);
  }
}
