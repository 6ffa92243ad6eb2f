import type { PutReply, UploadInfo } from "@koboldfs/protocol";
import { HEADER, KoboldError } from "@koboldfs/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { UploadService } from "../../files/uploads/upload-service.js";
import type { Exchanges } from "../exchange.js";
import { readBody } from "../write-file.js";
import {
  checkPieceType,
  parseUploadChecksum,
  parseUploadLength,
  parseUploadOffset,
  TUS_ALGORITHMS,
  TUS_EXTENSIONS,
  TUS_VERSION,
} from "./upload-headers.js";
import { refuseTransaction } from "../transaction-header.js";
import { parseUploadMetadata } from "./upload-metadata.js";
import { toUploadInfo, uploadHeaders } from "./upload-replies.js";

export interface UploadContext {
  readonly uploads: UploadService;
  readonly exchanges: Exchanges;
}

/** `OPTIONS`: what of tus is spoken here. */
export async function describeTus(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  await reply
    .code(204)
    .headers({ "Tus-Version": TUS_VERSION, "Tus-Extension": TUS_EXTENSIONS, "Tus-Checksum-Algorithm": TUS_ALGORITHMS })
    .send();
}

/** `POST /v1/uploads`, perhaps with a first piece; when that is all, the answer is that of a put. */
export async function createUpload(
  context: UploadContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<PutReply | undefined> {
  const { headers } = request;
  refuseTransaction(headers);
  const announced = String(headers[HEADER.uploadMetadata] ?? "");
  const sizeBytes = parseUploadLength(headers);
  const hasPiece = hasBody(request);
  if (hasPiece) checkPieceType(headers);
  const checksum = parseUploadChecksum(headers);
  const created = await context.uploads.create({ intent: parseUploadMetadata(announced), announced, sizeBytes });
  reply.header("Location", context.uploads.urlOf(created.id));
  const piece = { ...pieceOf(context, request), offset: 0, ...(checksum !== undefined && { checksum }) };
  const record = hasPiece ? await context.uploads.take(created.id, piece) : created;
  reply.code(201).headers(uploadHeaders(record));
  return record.outcome !== undefined && "reply" in record.outcome ? record.outcome.reply : undefined;
}

/** `PATCH /v1/uploads/{id}`: the next piece. */
export async function takePiece(context: UploadContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { headers } = request;
  checkPieceType(headers);
  const checksum = parseUploadChecksum(headers);
  const record = await context.uploads.take(idOf(request), {
    ...pieceOf(context, request),
    offset: parseUploadOffset(headers),
    ...(checksum !== undefined && { checksum }),
  });
  await reply.code(204).headers(uploadHeaders(record)).send();
}

/** `HEAD /v1/uploads/{id}`: where to go on. */
export async function headUpload(
  { uploads }: UploadContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const record = await uploads.resume(idOf(request));
  const { sizeBytes, announced } = record;
  const headers = { "Upload-Length": sizeBytes, "Upload-Metadata": announced, "Cache-Control": "no-store" };
  await reply
    .code(200)
    .headers({ ...uploadHeaders(record), ...headers })
    .send();
}

/** `GET /v1/uploads/{id}`: how it stands, for people and programs that do not mean to go on. */
export function getUpload({ uploads }: UploadContext, request: FastifyRequest, reply: FastifyReply): UploadInfo {
  reply.header("Cache-Control", "no-store");
  return toUploadInfo(uploads.look(idOf(request)));
}

/** `DELETE /v1/uploads/{id}`. */
export async function endUpload(
  { uploads }: UploadContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  await uploads.remove(idOf(request));
  await reply.code(204).send();
}

type Handler = (context: UploadContext, request: FastifyRequest, reply: FastifyReply) => Promise<void>;

const OVERRIDES: Readonly<Record<string, Handler>> = { PATCH: takePiece, HEAD: headUpload, DELETE: endUpload };

/** `POST /v1/uploads/{id}` stands for the method that X-HTTP-Method-Override names, where a client cannot say it. */
export async function overrideMethod(
  context: UploadContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const method = String(request.headers["x-http-method-override"] ?? "");
  const handler = OVERRIDES[method.toUpperCase()];
  if (handler === undefined) {
    throw new KoboldError("method_not_allowed", "POST here needs an X-HTTP-Method-Override of PATCH, HEAD or DELETE");
  }
  await handler(context, request, reply);
}

function idOf(request: FastifyRequest): string {
  return (request.params as { id: string }).id;
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function pieceOf({ exchanges }: UploadContext, { raw, headers }: FastifyRequest) {
  const length = headers["content-length"];
  const signal = exchanges.find(raw.socket)?.broken.signal;
  return {
    body: readBody(raw),
    ...(length !== undefined && { sizeBytes: Number(length) }),
    ...(signal !== undefined && { signal }),
  };
}
