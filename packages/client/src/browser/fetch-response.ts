import type { TransportResponse } from "../platform.js";
import { AttemptFailure } from "../session/attempt-failure.js";
import { collect } from "./collect.js";
import type { Silence } from "./silence.js";

/** Reading so much for nothing is cheaper than a new connection. */
const MAX_PASSED_OVER_BYTES = 65_536;

export interface FetchExchange {
  readonly server: string;
  readonly silence: Silence;
  readonly idleTimeoutMs: number;
}

/** The answer of `fetch`, read piece by piece with a limit on the pauses in between. */
export class FetchResponse implements TransportResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #response: Response;
  readonly #exchange: FetchExchange;

  constructor(response: Response, exchange: FetchExchange) {
    this.status = response.status;
    this.headers = Object.fromEntries(response.headers);
    this.#response = response;
    this.#exchange = exchange;
    // Whoever has the answer reads at a pace of its own: only while it waits for a piece the server owes one.
    exchange.silence.end();
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  async readBytes(maxBytes: number): Promise<Uint8Array> {
    const bytes = await collect(this.#read(), maxBytes);
    if (bytes !== undefined) return bytes;
    this.discard();
    throw AttemptFailure.invalidResponse(`${this.#exchange.server}: the answer is longer than ${maxBytes} bytes`);
  }

  async finish(): Promise<void> {
    if ((await collect(this.#read(), MAX_PASSED_OVER_BYTES)) === undefined) this.discard();
  }

  discard(): void {
    this.#exchange.silence.abort();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    const { idleTimeoutMs, server, silence } = this.#exchange;
    const reader = this.#response.body?.getReader();
    let ended = reader === undefined;
    try {
      while (!ended && reader !== undefined) {
        silence.expect(idleTimeoutMs);
        const next = await reader.read();
        silence.end();
        if (next.value !== undefined) yield next.value;
        ended = next.done;
      }
    } catch (cause) {
      throw cause instanceof AttemptFailure ? cause : AttemptFailure.unreachable(`${server}: ${String(cause)}`, cause);
    } finally {
      if (!ended) silence.abort();
    }
  }
}
