import type { IncomingMessage } from "node:http";
import { HEADER, KoboldError, type PutReply } from "@koboldfs/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { FileService } from "../files/file-service.js";
import type { Exchanges } from "./exchange.js";
import { askForBody } from "./expect-continue.js";
import { formatFileUrl, parseFileUrl } from "./file-url.js";
import { parseIdempotencyKey, parsePrecondition, parsePutHeaders } from "./put-headers.js";

export interface WriteContext {
  readonly files: FileService;
  readonly exchanges: Exchanges;
}

/** `PUT /v1/files/{namespace}/{key}`. Always 201: every put creates a version, and none is taken back by the next. */
export async function putFile(context: WriteContext, request: FastifyRequest, reply: FastifyReply): Promise<PutReply> {
  const name = parseFileUrl(request.originalUrl);
  const headers = parsePutHeaders(request.headers);
  const signal = context.exchanges.find(request.raw.socket)?.broken.signal;
  const put = await context.files.put({ ...name, ...headers, body: readBody(request.raw), ...(signal && { signal }) });
  reply.code(201).headers({ ETag: `"${put.digest}"`, [HEADER.version]: put.version, Location: formatFileUrl(name) });
  return put;
}

/** `DELETE /v1/files/{namespace}/{key}`. */
export async function deleteFile({ files }: WriteContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const name = parseFileUrl(request.originalUrl);
  const precondition = parsePrecondition(request.headers);
  const idempotencyKey = parseIdempotencyKey(request.headers);
  const version = await files.delete({
    ...name,
    ...(precondition !== undefined && { precondition }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  });
  await reply.code(204).header(HEADER.version, version).send();
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
