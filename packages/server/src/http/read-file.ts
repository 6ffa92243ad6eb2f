import { HEADER, KoboldError } from "@koboldfs/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ClientAuth } from "../auth/client-auth.js";
import type { DirectUrlRequest, DirectUrls } from "../files/direct-urls.js";
import type { FileService, FoundFile } from "../files/file-service.js";
import { type ByteSpan, parseRange } from "../model/byte-range.js";
import { decideRead, ifRangeHolds } from "../model/read-condition.js";
import type { Logger } from "../runtime/logger.js";
import {
  conditionsOf,
  fileHeaders,
  partHeaders,
  type ReplyHeaders,
  validatorHeaders,
  wholeHeaders,
} from "./file-headers.js";
import { type FileName, parseQueriedFileUrl } from "./file-url.js";
import type { Offload } from "./offload.js";
import { type PastQuery, parsePastQuery } from "./past-query.js";
import { sendContent } from "./send-pieces.js";
import { parseReadView } from "./transaction-header.js";
import { toVersionListReply } from "./wire-file.js";

export interface ReadContext {
  readonly auth: ClientAuth;
  readonly files: FileService;
  readonly urls: DirectUrls;
  readonly offload: Offload;
  readonly log: Logger;
}

/** `GET /v1/files/{namespace}/{key}`. The busiest way through the server: it writes to the socket itself. */
export async function getFile(context: ReadContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { files, log } = context;
  const { query, ...name } = parseQueriedFileUrl(request.originalUrl);
  const past = parsePastQuery(query);
  if (past.kind === "versions") return sendVersions(files, { ...name, ...past }, reply);
  if (past.kind === "url") return sendUrl(context, { ...name, ...past }, reply);
  const file = await findFile(context, { ...name, past, request, reply });
  if (answerCondition(file, request, reply)) return;
  const handed = await context.offload.handOver(file, request.headers);
  if (handed !== undefined) return sendHead(reply, { ...fileHeaders(file), ...handed });
  const span = chooseSpan(file, request, reply);
  const { content } = await files.openBlob(file, span);
  const headers = span === undefined ? wholeHeaders(file) : partHeaders(file, span);
  const response = reply.raw.writeHead(span === undefined ? 200 : 206, headers);
  reply.hijack();
  sendContent(content, response, log);
}

type OnePast = Exclude<PastQuery, { kind: "versions" | "url" }>;

interface Wanted extends FileName {
  readonly past: OnePast;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

async function findFile(
  { auth, files }: ReadContext,
  { namespace, key, past, ...exchange }: Wanted,
): Promise<FoundFile> {
  if (past.kind === "version") return files.history.getVersion(namespace, key, past.version);
  if (past.kind === "as-of") return files.history.getFileAsOf(namespace, key, past.asOf);
  const view = parseReadView(auth, exchange.request.headers, past.consistency);
  const file = files.getFile(namespace, key, view);
  return typeof view === "object" ? file : tellHolder(files, { namespace, key, reply: exchange.reply }, file);
}

/** A prepared transaction may be about to name what is missing: whoever knows its coordinator can find out. */
async function tellHolder<Found>(
  files: FileService,
  { namespace, key, reply }: FileName & { readonly reply: FastifyReply },
  found: Promise<Found>,
): Promise<Found> {
  try {
    return await found;
  } catch (error) {
    const isMissing = error instanceof KoboldError && error.code === "not_found";
    const holder = isMissing ? await files.findHolder(namespace, key) : undefined;
    if (holder !== undefined) reply.header(HEADER.transaction, holder);
    throw error;
  }
}

function sendHead(reply: FastifyReply, headers: ReplyHeaders): void {
  reply.raw.writeHead(200, headers).end();
  reply.hijack();
}

async function sendUrl({ urls, files }: ReadContext, request: DirectUrlRequest, reply: FastifyReply): Promise<void> {
  const { url, expires, heldBy } = await tellHolder(files, { ...request, reply }, urls.find(request));
  if (heldBy !== undefined) reply.header(HEADER.transaction, heldBy);
  await reply.send({ url, ...(expires !== undefined && { expires: expires.toISOString() }) });
}

async function sendVersions(
  files: FileService,
  { namespace, key, before, limit }: FileName & { readonly before?: number; readonly limit: number },
  reply: FastifyReply,
): Promise<void> {
  const page = await files.history.listVersions(namespace, key, { limit, ...(before !== undefined && { before }) });
  await reply.send(toVersionListReply(key, page));
}

/** `HEAD /v1/files/{namespace}/{key}`: what GET would say, without asking for the bytes. */
export async function headFile(context: ReadContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { query, ...name } = parseQueriedFileUrl(request.originalUrl);
  const past = parsePastQuery(query);
  if (past.kind === "versions" || past.kind === "url") {
    throw new KoboldError("invalid_request", `${past.kind} is asked for with GET`);
  }
  const file = await findFile(context, { ...name, past, request, reply });
  if (answerCondition(file, request, reply)) return;
  reply.raw.writeHead(200, wholeHeaders(file)).end();
  reply.hijack();
}

/** True when a condition of the request was the answer. */
function answerCondition(file: FoundFile, { headers }: FastifyRequest, reply: FastifyReply): boolean {
  const verdict = decideRead(conditionsOf(headers), file);
  if (verdict === "send") return false;
  if (verdict === "malformed") {
    throw new KoboldError("invalid_request", "If-Match or If-None-Match is neither * nor a list of entity tags");
  }
  if (verdict === "precondition_failed") {
    throw new KoboldError("precondition_failed", `${file.key} is not in the demanded state`);
  }
  reply.raw.writeHead(304, validatorHeaders(file)).end();
  reply.hijack();
  return true;
}

function chooseSpan(file: FoundFile, { headers }: FastifyRequest, reply: FastifyReply): ByteSpan | undefined {
  if (headers.range === undefined || !ifRangeHolds(headers["if-range"] as string | undefined, file.digest)) return;
  const plan = parseRange(headers.range, file.sizeBytes);
  if (plan.kind === "unsatisfiable") {
    reply.header("Content-Range", `bytes */${file.sizeBytes}`).header(HEADER.version, file.version);
    throw new KoboldError("range_not_satisfiable", `${headers.range} lies outside of ${file.sizeBytes} bytes`);
  }
  return plan.kind === "part" ? plan.span : undefined;
}
