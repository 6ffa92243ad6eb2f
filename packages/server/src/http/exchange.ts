import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** A request and its answer, on a connection. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Fired when what follows the request shows that it was not what its sender meant. */
  readonly broken: AbortController;
}

/** The exchange that runs on each connection: for what concerns connections, such as timeouts and parse errors. */
export class Exchanges {
  readonly #running = new WeakMap<Duplex, Exchange>();

  begin(request: IncomingMessage, response: ServerResponse): Exchange {
    const exchange = { request, response, broken: new AbortController() };
    this.#running.set(request.socket, exchange);
    return exchange;
  }

  /** Undefined when the connection is between two requests. */
  find(socket: Duplex): Exchange | undefined {
    const exchange = this.#running.get(socket);
    return exchange === undefined || exchange.response.writableFinished ? undefined : exchange;
  }
}
