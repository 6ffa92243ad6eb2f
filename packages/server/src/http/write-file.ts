import type { IncomingMessage } from "node:http";
import { HEADER, KoboldError, type PutReply } from "@koboldfs/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ClientAuth } from "../auth/client-auth.js";
import type { FileService } from "../files/file-service.js";
import { crashPoint, mayCrash } from "../runtime/crash-points.js";
import type { Exchanges } from "./exchange.js";
import { askForBody } from "./expect-continue.js";
import { formatFileUrl, parseFileUrl } from "./file-url.js";
import { parseTransaction } from "./transaction-header.js";
import { parseIdempotencyKey, parsePrecondition, parsePutHeaders } from "./put-headers.js";

export interface WriteContext {
  readonly auth: ClientAuth;
  readonly files: FileService;
  readonly exchanges: Exchanges;
}

/**
 * `PUT /v1/files/{namespace}/{key}`. Always 201: every put creates a version, and none is taken back by the next. 202 when
 * it waits in a transaction.
 */
export async function putFile(context: WriteContext, request: FastifyRequest, reply: FastifyReply): Promise<PutReply> {
  const name = parseFileUrl(request.originalUrl);
  const headers = parsePutHeaders(request.headers);
  const signal = context.exchanges.find(request.raw.socket)?.broken.signal;
  const transaction = parseTransaction(context.auth, request.headers);
  const put = await context.files.put({
    ...{ ...name, ...headers, body: readBody(request.raw) },
    ...(signal && { signal }),
    ...(transaction && { transaction }),
  });
  reply.headers({ ETag: `"${put.digest}"`, Location: formatFileUrl(name) });
  if (transaction === undefined) reply.code(201).header(HEADER.version, put.version);
  else reply.code(202).header(HEADER.steps, put.steps ?? 0);
  if (mayCrash()) reply.raw.once("finish", dieAcknowledged);
  return put;
}

function dieAcknowledged(): void {
  crashPoint("put.acknowledgement.done");
}

/** `DELETE /v1/files/{namespace}/{key}`. */
export async function deleteFile(context: WriteContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const name = parseFileUrl(request.originalUrl);
  const precondition = parsePrecondition(request.headers);
  const idempotencyKey = parseIdempotencyKey(request.headers);
  const transaction = parseTransaction(context.auth, request.headers);
  const { version, steps = 0 } = await context.files.delete({
    ...name,
    ...(transaction !== undefined && { transaction }),
    ...(precondition !== undefined && { precondition }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  });
  if (transaction === undefined) reply.header(HEADER.version, version);
  else reply.header(HEADER.steps, steps);
  await reply.code(204).send();
}

/** The body in the chunks in which it arrives. A refusal in the middle leaves the connection to be answered on. */
export async function* readBody(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  askForBody(request);
  try {
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw new KoboldError("body_too_short", "the connection ended within the body", { cause });
  }
}
