import { Readable } from "node:stream";
import type { Clock } from "../../runtime/clock.js";

/** Bytes that wait for the socket before `feed` holds its caller back. */
const HIGH_WATER_BYTES = 64 * 1024;

/** The body of a running request, fed by hand at the pace of the socket. */
export class UploadBody extends Readable {
  readonly #pace: { readonly clock: Clock; readonly progressTimeoutMs: number };
  #waiting: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(pace: { readonly clock: Clock; readonly progressTimeoutMs: number }) {
    super({ highWaterMark: HIGH_WATER_BYTES });
    this.#pace = pace;
    // A destroyed body tells whoever waits in `feed`; nobody else listens.
    this.on("error", () => {});
  }

  /** Resolves when the socket takes more; rejects when the body was destroyed or nothing went out for too long. */
  async feed(chunk: Uint8Array): Promise<void> {
    if (this.destroyed) throw this.#reason();
    if (this.push(chunk)) return;
    await this.#drained();
  }

  end(): void {
    this.push(null);
  }

  override _read(): void {
    this.#waiting?.resolve();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#waiting?.reject(error ?? this.#reason());
    callback(error);
  }

  async #drained(): Promise<void> {
    const { clock, progressTimeoutMs } = this.#pace;
    let cancelTimeout = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiting = { resolve, reject };
        const late = () => reject(new Error(`it took no bytes for ${progressTimeoutMs} ms`));
        // One look at the sockets first: if this process stood still, the peer is not to blame.
        cancelTimeout = clock.schedule(progressTimeoutMs, () => setImmediate(late));
      });
    } finally {
      cancelTimeout();
      this.#waiting = undefined;
    }
  }

  #reason(): Error {
    return this.errored ?? new Error("the connection was closed");
  }
}
