import type { TransportRequest, TransportResponse } from "../platform.js";
import { AttemptFailure } from "../session/attempt-failure.js";

export type ProgressRequest = TransportRequest & { readonly body: Blob; readonly signal: AbortSignal };

/** Service workers have no XMLHttpRequest. */
export function canSendWithProgress(): boolean {
  return typeof XMLHttpRequest !== "undefined";
}

/** Sends a Blob and tells how much of it went out. Its answer is small and comes whole. */
export function sendWithProgress(url: string, request: ProgressRequest): Promise<TransportResponse> {
  const { server, signal, onSent } = request;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const exchange = new XMLHttpRequest();
    const abort = () => exchange.abort();
    const settle = (outcome: () => void) => () => {
      signal.removeEventListener("abort", abort);
      outcome();
    };
    const broke = () =>
      reject(AttemptFailure.unreachable(`${server}: the browser could not send the file or hear the answer`));
    exchange.open(request.method, url);
    exchange.responseType = "arraybuffer";
    for (const [name, value] of Object.entries(request.headers)) exchange.setRequestHeader(name, value);
    exchange.upload.addEventListener("progress", ({ loaded }) => onSent?.(loaded));
    exchange.addEventListener(
      "load",
      settle(() => resolve(new WholeResponse(exchange))),
    );
    exchange.addEventListener("error", settle(broke));
    exchange.addEventListener(
      "abort",
      settle(() => reject(signal.reason)),
    );
    signal.addEventListener("abort", abort);
    exchange.send(request.body);
  });
}

/** An answer that is here already. */
class WholeResponse implements TransportResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #bytes: Uint8Array;

  constructor(exchange: XMLHttpRequest) {
    this.status = exchange.status;
    this.headers = parseHeaders(exchange.getAllResponseHeaders());
    this.#bytes = new Uint8Array(exchange.response as ArrayBuffer);
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  async readBytes(maxBytes: number): Promise<Uint8Array> {
    if (this.#bytes.length <= maxBytes) return this.#bytes;
    throw AttemptFailure.invalidResponse(`the answer is longer than ${maxBytes} bytes`);
  }

  async finish(): Promise<void> {}

  discard(): void {}

  async *#read(): AsyncGenerator<Uint8Array> {
    yield this.#bytes;
  }
}

/** Lines of `name: value`, the names in lower case as the standard has them. */
function parseHeaders(text: string): Record<string, string> {
  const lines = text.split("\r\n").filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
}
