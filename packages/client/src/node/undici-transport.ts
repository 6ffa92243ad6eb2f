import { Pool, type Dispatcher } from "undici";
import type { Transport, TransportRequest, TransportResponse } from "../platform.js";
import { AttemptFailure } from "../session/attempt-failure.js";
import type { ConnectionLimits } from "../session/open-session.js";
import { exchangeWhole } from "./whole-exchange.js";

/** Idle connections are given up before a server that keeps them for five seconds does, which would be a race. */
const KEEP_ALIVE_MS = 4_000;

/** Reading so much for nothing is cheaper than a new connection. */
const MAX_PASSED_OVER_BYTES = 65_536;

/** HTTP through undici: a pool of kept-alive connections for each server, raw paths, no retries of its own. */
export class UndiciTransport implements Transport {
  readonly #limits: ConnectionLimits;
  readonly #pools = new Map<string, { pool: Pool; basePath: string }>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    const { pool, basePath } = this.#poolOf(request.server);
    try {
      const options: Dispatcher.RequestOptions = {
        method: request.method,
        path: basePath + request.path,
        headers: request.headers,
        headersTimeout: request.responseTimeoutMs,
        bodyTimeout: request.idleTimeoutMs,
        // By itself undici closes the connection after HEAD, for the sake of servers that send a body with it.
        reset: false,
      };
      // The types ask for a Readable; undici takes any async iterable.
      if (request.body !== undefined) options.body = request.body as Uint8Array;
      const { signal, wholeBytes } = request;
      if (wholeBytes !== undefined) return await exchangeWhole(pool, options, { maxBytes: wholeBytes, signal });
      if (signal !== undefined) options.signal = signal;
      const data = await pool.request(options);
      return new UndiciResponse(data, request.server);
    } catch (cause) {
      throw explainFailure(request.server, cause);
    }
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map(({ pool }) => pool.close()));
  }

  #poolOf(server: string): { pool: Pool; basePath: string } {
    const known = this.#pools.get(server);
    if (known !== undefined) return known;
    const { origin, pathname } = new URL(server);
    const pool = new Pool(origin, {
      connections: this.#limits.connections,
      connect: { timeout: this.#limits.connectTimeoutMs },
      keepAliveTimeout: KEEP_ALIVE_MS,
    });
    const made = { pool, basePath: pathname.replace(/\/+$/, "") };
    this.#pools.set(server, made);
    return made;
  }
}

class UndiciResponse implements TransportResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #body: Dispatcher.ResponseData["body"];
  readonly #server: string;

  constructor(data: Dispatcher.ResponseData, server: string) {
    this.status = data.statusCode;
    // Headers that came twice are lists; none of those that the client reads does.
    this.headers = data.headers as Record<string, string>;
    this.#body = data.body;
    this.#server = server;
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#read();
  }

  async readBytes(maxBytes: number): Promise<Uint8Array> {
    const announced = this.headers["content-length"];
    if (announced === undefined) return this.#collect(maxBytes);
    if (Number(announced) > maxBytes) throw this.#refuseLong(maxBytes);
    try {
      return await this.#body.bytes();
    } catch (cause) {
      throw explainFailure(this.#server, cause);
    }
  }

  async finish(): Promise<void> {
    try {
      await this.#body.dump({ limit: MAX_PASSED_OVER_BYTES });
    } catch (cause) {
      throw explainFailure(this.#server, cause);
    }
  }

  discard(): void {
    // A destroyed body reports that it was destroyed; nobody is left to hear it.
    this.#body.on("error", () => undefined).destroy();
  }

  async #collect(maxBytes: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of this.#read()) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw this.#refuseLong(maxBytes);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  #refuseLong(maxBytes: number): AttemptFailure {
    this.discard();
    return AttemptFailure.invalidResponse(`${this.#server}: the answer is longer than ${maxBytes} bytes`);
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#body) yield chunk as Uint8Array;
    } catch (cause) {
      throw explainFailure(this.#server, cause);
    }
  }
}

/** Whatever undici reports means: this exchange did not happen, or not wholly. */
function explainFailure(server: string, cause: unknown): unknown {
  if (cause instanceof AttemptFailure || (cause instanceof Error && cause.name === "AbortError")) return cause;
  const reason = cause instanceof Error ? describe(cause) : String(cause);
  return AttemptFailure.unreachable(`${server}: ${reason}`, cause);
}

/** A connection tried at several addresses fails with an error without words of its own. */
function describe(cause: Error): string {
  if (cause instanceof AggregateError) return cause.errors.map((error: unknown) => String(error)).join(", ");
  return cause.message;
}
