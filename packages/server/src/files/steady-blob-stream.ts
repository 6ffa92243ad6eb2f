import { finished, Readable } from "node:stream";
import { crc32 } from "node:zlib";
import { KoboldError } from "@koboldfs/protocol";
import type { ByteRange } from "../blobs/blob-store.js";
import type { BlobSources } from "./blob-sources.js";

export interface SteadyBlobStreamOptions {
  readonly sources: BlobSources;
  /** What the first source opened. */
  readonly first: Readable;
  readonly sizeBytes: number;
  /** Undefined for the whole blob. */
  readonly range: ByteRange | undefined;
}

/**
 * A blob's bytes that go on from the next source when one fails midway.
 *
 * Bytes that were sent cannot be taken back. So when the whole blob is read, the next source's bytes from the start
 * are held against what was sent (by CRC-32, which costs next to nothing on the way), and its own end is proved by its
 * store: the stream ends well only with the right bytes. A range proves nothing, with or without a failure.
 */
export class SteadyBlobStream extends Readable {
  readonly #sources: BlobSources;
  readonly #span: ByteRange;
  readonly #whole: boolean;
  #source: Readable;
  #sentBytes = 0;
  #sentCrc = 0;
  #skipBytes = 0;
  #skippedCrc = 0;

  constructor({ sources, first, sizeBytes, range }: SteadyBlobStreamOptions) {
    super();
    this.#sources = sources;
    this.#whole = range === undefined;
    this.#span = range ?? { start: 0, end: sizeBytes };
    this.#source = first;
    this.#attach(first);
  }

  override _read(): void {
    this.#source.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#source.destroy();
    callback(error);
  }

  #attach(source: Readable): void {
    this.#source = source;
    source.on("data", (chunk: Buffer) => this.#take(chunk));
    finished(source, { writable: false }, (error) => {
      if (this.destroyed) return;
      const short = this.#sentBytes < this.#span.end - this.#span.start;
      if (error || short) void this.#goOn(error ?? new KoboldError("blob_corrupt", "the blob ended early"));
      else this.push(null);
    });
  }

  #take(chunk: Buffer): void {
    const fresh = this.#skipBytes > 0 ? this.#skip(chunk) : chunk;
    if (fresh.length === 0 || this.destroyed) return;
    if (this.#whole) this.#sentCrc = crc32(fresh, this.#sentCrc);
    this.#sentBytes += fresh.length;
    if (!this.push(fresh)) this.#source.pause();
  }

  /** Passes over what was sent before; answers what comes after it. */
  #skip(chunk: Buffer): Buffer {
    const skipped = chunk.subarray(0, this.#skipBytes);
    this.#skippedCrc = crc32(skipped, this.#skippedCrc);
    this.#skipBytes -= skipped.length;
    if (this.#skipBytes === 0 && this.#skippedCrc !== this.#sentCrc) {
      this.destroy(new KoboldError("blob_corrupt", "the bytes that were sent already were bad"));
    }
    return chunk.subarray(skipped.length);
  }

  async #goOn(cause: Error): Promise<void> {
    try {
      this.#sources.fail(cause);
      const { content } = await this.#sources.openNext(this.#rest());
      const source = Buffer.isBuffer(content) ? Readable.from(content) : content;
      this.#skipBytes = this.#whole ? this.#sentBytes : 0;
      this.#skippedCrc = 0;
      if (this.destroyed) source.destroy();
      else this.#attach(source);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #rest(): ByteRange | undefined {
    if (this.#whole) return undefined;
    return { start: this.#span.start + this.#sentBytes, end: this.#span.end };
  }
}
