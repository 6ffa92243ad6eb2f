import type { Dispatcher } from "undici";
import type { TransportResponse } from "../platform.js";
import { AttemptFailure } from "../session/attempt-failure.js";

/** Reading so much for nothing is cheaper than a new connection; and no problem document is longer. */
const MIN_LIMIT_BYTES = 65_536;

const NOTHING = new Uint8Array(0);

/** Not cleared first: all that is shown of them was written before. */
function claimBytes(sizeBytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
}

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
  /** Where the bytes go as they come, in memory of their own: the pieces lie in larger ones, which would stay as long. */
  #bytes: Uint8Array = NOTHING;
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
    const announcedBytes = Number(this.#headers["content-length"] ?? 0);
    if (announcedBytes > this.#maxBytes) this.#refuse();
    else if (announcedBytes > 0) this.#bytes = claimBytes(announcedBytes);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const end = this.#sizeBytes + chunk.length;
    if (end > this.#maxBytes) return this.#refuse();
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(chunk, this.#sizeBytes);
    this.#sizeBytes = end;
  }

  /** For a body whose length was not announced: twice the room each time, so that little is copied. */
  #grow(neededBytes: number): void {
    const roomier = claimBytes(Math.min(Math.max(neededBytes, 2 * this.#bytes.length), this.#maxBytes));
    roomier.set(this.#bytes.subarray(0, this.#sizeBytes));
    this.#bytes = roomier;
  }

  onResponseEnd(): void {
    this.#resolve(this.#bytes.subarray(0, this.#sizeBytes));
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
