import { StallWatch } from "./stall-watch.js";
import { slowestMs } from "./upload.js";
import type { UploadState } from "./upload-resource.js";
import type { RestOptions, RestTarget, UploadWay } from "./upload-way.js";

/** A second at 8 MB/s: so much may have to be sent again after a break, and so often the server says what it has. */
const UPLOAD_PIECE_BYTES = 8 * 1024 * 1024;

export interface KnownBlob {
  readonly blob: Blob;
  readonly digest: string;
  /** Whether the transport tells how a piece goes out. */
  readonly tellsSent: boolean;
}

/**
 * Sends a Blob piece by piece, for transports that take no stream, as browsers': what a request sent when it broke is not
 * known there, what the server answered is.
 */
export class PiecewiseWay implements UploadWay {
  readonly #source: KnownBlob;

  constructor(source: KnownBlob) {
    this.#source = source;
  }

  async send({ resource, place, offset, sizeBytes }: RestTarget, options: RestOptions): Promise<UploadState> {
    const { blob, tellsSent } = this.#source;
    const { signal, onSent } = options;
    const body = blob.slice(offset, offset + UPLOAD_PIECE_BYTES);
    const end = offset + body.size;
    const blindMs = tellsSent ? 0 : slowestMs(body.size);
    const watch = new StallWatch((end === sizeBytes ? options.answerMs : options.takeMs) + blindMs);
    const note = (bytes: number) => {
      watch.arm();
      onSent(offset + bytes);
    };
    try {
      const state = await resource.send(place, {
        ...{ offset, sizeBytes, body, answerMs: 0, onSent: note },
        signal: signal === undefined ? watch.signal : AbortSignal.any([signal, watch.signal]),
      });
      if (!tellsSent) onSent(state.offset);
      return state;
    } catch (thrown) {
      signal?.throwIfAborted();
      throw thrown;
    } finally {
      watch.stop();
    }
  }

  async digest(): Promise<string> {
    return this.#source.digest;
  }
}
