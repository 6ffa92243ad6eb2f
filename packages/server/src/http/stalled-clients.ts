import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Exchange, Exchanges } from "./exchange.js";

/**
 * Cuts connections on which the client owes the next step and has not moved a byte for `idleMs`: an upload that does
 * not come, an answer that is not read. A request that waits for us (a slow disk, the catalog) is left alone however
 * long it takes, and so is a transfer that moves, however large.
 */
export function cutStalledClients(server: Server, exchanges: Exchanges, idleMs: number): void {
  server.setTimeout(idleMs, (socket: Socket) => {
    const exchange = exchanges.find(socket);
    if (exchange === undefined || isClientsTurn(exchange)) socket.destroy();
    else socket.setTimeout(idleMs);
  });
}

function isClientsTurn({ request, response }: Exchange): boolean {
  // Bytes of ours that it does not take.
  if (response.writableLength > 0 || response.writableEnded) return true;
  // A body of its that does not come, though there is room for it.
  return !request.complete && request.readableLength < request.readableHighWaterMark;
}
