import type { Duplex } from "node:stream";
import { KoboldError } from "@koboldfs/protocol";
import type { Exchange, Exchanges } from "./exchange.js";
import { problemOf } from "./problem.js";

/**
 * Answers what is no HTTP, or breaks off in the middle. Whoever announced fewer bytes than it sends is not told of a
 * success: what is left over cannot be a request, and the file it belongs to would be cut off.
 */
export function answerClientError(exchanges: Exchanges, error: Error & { code?: string }, socket: Duplex): void {
  const exchange = exchanges.find(socket);
  if (!isParseError(error)) {
    socket.destroy();
    return;
  }
  if (exchange?.request.complete && !exchange.response.headersSent) {
    exchange.response.shouldKeepAlive = false;
    exchange.broken.abort(new KoboldError("body_too_long", "what follows the announced length is no request"));
    return;
  }
  if (socket.writable && !exchange?.response.headersSent) socket.write(rawProblem(toKoboldError(error, exchange)));
  // Not `end`: a client that neither reads nor closes would keep the socket for ever.
  if ("destroySoon" in socket) (socket as Duplex & { destroySoon(): void }).destroySoon();
  else socket.destroy();
}

/** Others are of the connection: it is gone, and nobody is left to be told. What it asked for goes on. */
function isParseError({ code }: { code?: string }): boolean {
  return code !== undefined && (code.startsWith("HPE_") || code === "ERR_HTTP_REQUEST_TIMEOUT");
}

function toKoboldError(error: Error & { code?: string }, exchange: Exchange | undefined): KoboldError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return new KoboldError("headers_too_large", "URL and headers are too large");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new KoboldError("request_timeout", "the headers did not arrive in time");
    case "HPE_INVALID_EOF_STATE":
      if (exchange !== undefined) return new KoboldError("body_too_short", "the connection ended within the body");
      break;
    default:
  }
  return new KoboldError("invalid_request", "this is not HTTP/1.1");
}

function rawProblem(error: KoboldError): string {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  return [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    "",
    body,
  ].join("\r\n");
}
