import type { IncomingMessage } from "node:http";

/** In which a reader process says who sent what it hands on. What a client sends under this name never gets that far. */
export const CLIENT_ADDRESS_HEADER = "koboldfs-client-address";

/** Who sent a request, while it is on its way: over the node's own unix socket its reader process says so. */
export function clientAddressOf({ socket, headers }: IncomingMessage): string | undefined {
  return socket.remoteAddress ?? headers[CLIENT_ADDRESS_HEADER]?.toString();
}
