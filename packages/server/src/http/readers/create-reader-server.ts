import type { Socket } from "node:net";
import { answerClientError } from "../client-errors.js";
import { Exchanges } from "../exchange.js";
import { createNodeServer, type Patience } from "../node-server.js";
import { RequestGate } from "../request-gate.js";
import type { ReaderHandler } from "./reader-handler.js";

export interface ReaderServerOptions extends Patience {
  readonly handler: Pick<ReaderHandler, "handle">;
  /** Requests of each kind that this process takes in at once; the node process has bounds of its own. */
  readonly maxRunning: number;
}

/** Serves connections that the node process accepted. */
export interface ReaderServer {
  take(connection: Socket): void;
  /** Refuses new requests; resolves when the last one that is inside has its answer. */
  stop(): Promise<void>;
}

export function createReaderServer({ handler, maxRunning, ...patience }: ReaderServerOptions): ReaderServer {
  const exchanges = new Exchanges();
  const gate = new RequestGate((request, response) => {
    handler.handle(exchanges.begin(request, response));
  }, maxRunning);
  const server = createNodeServer(gate.enter.bind(gate), exchanges, patience);
  server.on("clientError", (error, socket) => answerClientError(exchanges, error, socket));
  // It listens nowhere; without this Node would not watch over the headers' time and over idle connections.
  server.emit("listening");
  return {
    take: (connection) => void server.emit("connection", connection),
    async stop() {
      server.closeIdleConnections();
      await gate.stop();
      server.closeAllConnections();
    },
  };
}
