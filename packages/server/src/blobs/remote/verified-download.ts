import { Transform, type TransformCallback } from "node:stream";
import type { StreamCheck } from "../verified-bytes.js";

export interface VerifiedDownloadOptions {
  /** How many bytes must come. */
  readonly sizeBytes: number;
  /** Holds a whole blob's bytes against its digest; undefined for a range. */
  readonly check: StreamCheck | undefined;
  /** The failure of a peer that sent too few or too many bytes. */
  readonly fail: (cause: unknown) => Error;
}

/** Passes on what a peer sends; fails before the last byte when the bytes are not those of the blob. */
export class VerifiedDownload extends Transform {
  readonly #options: VerifiedDownloadOptions;
  #left: number;

  constructor(options: VerifiedDownloadOptions) {
    super();
    this.#options = options;
    this.#left = options.sizeBytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    try {
      this.#left -= chunk.length;
      if (this.#left < 0) throw this.#options.fail(new Error("it sent more bytes than announced"));
      this.#options.check?.add(chunk);
      callback(null, chunk);
    } catch (error) {
      callback(error as Error);
    }
  }

  override _flush(callback: TransformCallback): void {
    if (this.#left === 0) callback();
    else callback(this.#options.fail(new Error(`it sent ${this.#left} bytes too few`)));
  }
}
