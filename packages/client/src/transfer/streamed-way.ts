import type { Hasher } from "../platform.js";
import { HashedSource, type OpenSource } from "./hashed-source.js";
import { StallWatch } from "./stall-watch.js";
import { explainFailure } from "./upload.js";
import type { UploadState } from "./upload-resource.js";
import type { RestOptions, RestTarget, UploadWay } from "./upload-way.js";

/** Sends all that is left of a source in one request, as it is read and hashed. */
export class StreamedWay implements UploadWay {
  readonly #source: HashedSource;

  constructor(open: OpenSource, options: { hasher: Hasher; sizeBytes: number }) {
    this.#source = new HashedSource(open, options);
  }

  async send({ resource, place, offset, sizeBytes }: RestTarget, options: RestOptions): Promise<UploadState> {
    const { signal, answerMs, previous, onSent } = options;
    const watch = new StallWatch(options.takeMs);
    const reader = new RestReader(this.#source.readFrom(offset));
    watch.disarm();
    try {
      // What comes before the offset may have to be read first, for its digest: no server shall wait for that.
      await reader.prepare();
      const body = reader.read(watch, (bytes) => onSent(offset + bytes));
      return await resource.send(place, {
        ...{ offset, sizeBytes, body, answerMs },
        signal: signal === undefined ? watch.signal : AbortSignal.any([signal, watch.signal]),
      });
    } catch (thrown) {
      signal?.throwIfAborted();
      throw explainFailure(thrown, reader.failure, previous);
    } finally {
      watch.stop();
    }
  }

  digest(): Promise<string> {
    return this.#source.digest();
  }
}

/** What is left of a source, passed on while a watch sees whose turn it is. */
class RestReader {
  /** What the source failed with. */
  failure: unknown;
  readonly #source: AsyncGenerator<Uint8Array>;
  #next: IteratorResult<Uint8Array> | undefined;

  constructor(source: AsyncGenerator<Uint8Array>) {
    this.#source = source;
  }

  /** Reads up to the first piece that is to be sent. */
  async prepare(): Promise<void> {
    this.#next = await this.#pull();
  }

  async *read(watch: StallWatch, onSent: (bytes: number) => void): AsyncGenerator<Uint8Array> {
    let sentBytes = 0;
    try {
      for (let next = this.#next ?? (await this.#pull()); next.done !== true; next = await this.#pull()) {
        watch.arm();
        yield next.value;
        watch.disarm();
        sentBytes += next.value.length;
        onSent(sentBytes);
      }
    } finally {
      await this.#source.return(undefined);
    }
  }

  async #pull(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#source.next();
    } catch (thrown) {
      this.failure = thrown;
      throw thrown;
    }
  }
}
