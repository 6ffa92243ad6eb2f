import type { Dispatcher } from "undici";
import type { TransportResponse } from "../platform.js";
import { AttemptFailure } from "../session/attempt-failure.js";

/** Reading so much for nothing is cheaper than a new connection; and no problem document is longer. */
const MIN_LIMIT_BYTES = 65_536;

export interface WholeLimits {
  /** A body that is longer is not read. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One exchange whose answer is wanted in memory: it is there when its last byte is, or when it breaks off. What comes is
 * taken as it comes: for a small file a stream, its events and its promises cost as much as the rest of the client.
 * Throws what undici says.
 */
export function exchangeWhole(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  limits: WholeLimits,
): Promise<TransportResponse> {
  return new Promise((resolve, reject) => {
    dispatcher.dispatch(options, new WholeExchange(limits, { resolve, reject }));
  });
}

interface Outcome {
  readonly resolve: (response: TransportResponse) => void;
  readonly reject: (cause: unknown) => void;
}

class WholeExchange implements Dispatcher.DispatchHandler {
  readonly #maxBytes: number;
  readonly #signal: AbortSignal | undefined;
  readonly #outcome: Outcome;
  readonly #chunks: Buffer[] = [];
  #sizeBytes = 0;
  #status = 0;
  #headers: Readonly<Record<string, string>> = {};
  #controller: Dispatcher.DispatchController | undefined;

  constructor({ maxBytes, signal }: WholeLimits, outcome: Outcome) {
    this.#maxBytes = Math.max(maxBytes, MIN_LIMIT_BYTES);
    this.#signal = signal;
    this.#outcome = outcome;
    signal?.addEventListener("abort", this.#abort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal?.aborted === true) this.#abort();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: object): void {
    if (status < 200) return;
    this.#status = status;
    // Headers that came twice are lists; none of those that the client reads does.
    this.#headers = headers as Record<string, string>;
    if (Number(this.#headers["content-length"] ?? 0) > this.#maxBytes) this.#refuse();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#maxBytes) this.#refuse();
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    // Memory of its own: the pieces lie in larger ones, which would stay for as long as the file does.
    const bytes = new Uint8Array(this.#sizeBytes);
    let filled = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, filled);
      filled += chunk.length;
    }
    this.#resolve(bytes);
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    // What broke off is answered as far as it came: who compares it with its length goes on at another server.
    if (this.#status >= 200 && this.#status <= 299) return this.onResponseEnd();
    this.#leave();
    this.#outcome.reject(cause);
  }

  /** Answers the head alone: how long the body is may be all that the caller has to know. */
  #refuse(): void {
    this.#resolve(undefined);
    this.#controller?.abort(new Error("the body is longer than wanted"));
  }

  #resolve(bytes: Uint8Array | undefined): void {
    this.#leave();
    this.#outcome.resolve(new WholeResponse(this.#status, this.#headers, bytes));
  }

  #leave(): void {
    this.#signal?.removeEventListener("abort", this.#abort);
  }

  /** Also while no connection is there yet; then the request ends as soon as there is one. */
  readonly #abort = (): void => {
    this.#outcome.reject(this.#signal?.reason);
    this.#controller?.abort(new Error("the request was aborted"));
  };
}

/** An answer that is here. Nothing has to be given back. */
class WholeResponse implements TransportResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined when it was too long. */
  readonly #bytes: Uint8Array | undefined;

  constructor(status: number, headers: Readonly<Record<string, string>>, bytes: Uint8Array | undefined) {
    this.status = status;
    this.headers = headers;
    this.#bytes = bytes;
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  async readBytes(maxBytes: number): Promise<Uint8Array> {
    const bytes = this.#bytes;
    if (bytes !== undefined && bytes.length <= maxBytes) return bytes;
    throw AttemptFailure.invalidResponse("the answer is longer than was allowed");
  }

  async finish(): Promise<void> {}

  discard(): void {}

  async *#read(): AsyncGenerator<Uint8Array> {
    yield await this.readBytes(Number.POSITIVE_INFINITY);
  }
}
