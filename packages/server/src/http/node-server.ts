import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Exchanges } from "./exchange.js";
import { handleExpectations } from "./expect-continue.js";
import { cutStalledClients } from "./stalled-clients.js";

/** The longest key takes 3 KiB, the metadata 8. */
export const MAX_HEADER_BYTES = 16 * 1024;
/** A whole request line and headers fit one or two packets; half a minute serves the worst line. */
export const HEADERS_TIMEOUT_MS = 30_000;
/** Longer than clients keep idle connections, so that it is they who close them and never while a request is on its way. */
const KEEP_ALIVE_MS = 65_000;
export const MAX_CONNECTIONS = 8192;
/** A mobile link's longest silence. */
const IDLE_MS = 60_000;

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** How long clients are waited for. */
export interface Patience {
  /** For the next byte of one that owes it. */
  readonly idleMs?: number;
  /** For a whole request line and headers, however they trickle. */
  readonly headersMs?: number;
}

/** The HTTP server beneath a node, or one of its processes, with every bound that concerns connections. */
export function createNodeServer(handler: Handler, exchanges: Exchanges, patience: Patience): Server {
  const { idleMs = IDLE_MS, headersMs = HEADERS_TIMEOUT_MS } = patience;
  const server = createServer(
    {
      noDelay: true,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: headersMs,
      connectionsCheckingInterval: headersMs / 6,
      // A large file takes its time; `cutStalledClients` finds those that do not move.
      requestTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    handler,
  );
  server.maxConnections = MAX_CONNECTIONS;
  handleExpectations(server, handler);
  cutStalledClients(server, exchanges, idleMs);
  return server;
}
