import type { IncomingMessage, ServerResponse } from "node:http";
import { HEADER, type Problem } from "@koboldfs/protocol";
import { RETRY_AFTER_SECONDS } from "./problem.js";

/** A body that is refused but no longer than this is read to its end, so that the connection can be used again. */
const MAX_DISCARDED_BYTES = 1024 * 1024;

/**
 * A longer one is read for this long while the client notices the answer. Closing at once would reset the connection,
 * and the client might lose the answer together with what it was still sending (RFC 9112 section 9.6).
 */
const LINGER_MS = 2000;

/**
 * Answers with problem details, however much of the request has been read. Headers that were set on the response before,
 * such as Allow, go along. When an answer has begun already, it is cut off.
 */
export function sendProblem(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  if (response.headersSent) {
    // Half an answer must not look like a whole one.
    if (!response.writableEnded) response.destroy();
    return;
  }
  const body = Buffer.from(JSON.stringify(problem));
  response.writeHead(problem.status, problemHeaders(request, problem, body.length));
  if (canStayOpen(request)) {
    response.end(body);
    request.resume();
  } else {
    linger(request, response, body);
  }
}

function problemHeaders(
  request: IncomingMessage,
  problem: Problem,
  lengthBytes: number,
): Record<string, string | number> {
  const close = !canStayOpen(request) || problem.code === "shutting_down";
  return {
    "Content-Type": "application/problem+json",
    "Content-Length": lengthBytes,
    "Cache-Control": "no-store",
    ...((problem.status === 503 || problem.code === "key_locked") && { "Retry-After": RETRY_AFTER_SECONDS }),
    ...(problem.status === 401 && { "WWW-Authenticate": 'Bearer realm="koboldfs"' }),
    ...(request.method === "HEAD" && { [HEADER.errorCode]: problem.code }),
    ...(close && { Connection: "close" }),
  };
}

function canStayOpen(request: IncomingMessage): boolean {
  if (request.complete || !hasBody(request)) return true;
  // Who expects a 100 may send the body or not; only a new connection tells.
  if (request.headers.expect !== undefined) return false;
  return Number(request.headers["content-length"]) <= MAX_DISCARDED_BYTES;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function linger(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS).unref();
  request.once("end", end);
  response.once("close", end);
  response.write(body);
  request.resume();
}
