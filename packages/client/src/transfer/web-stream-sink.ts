import { brokenStream, type Sink } from "./sink.js";

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
