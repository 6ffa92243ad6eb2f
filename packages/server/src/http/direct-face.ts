import { type Digest, isDigest, KoboldError, type NamespaceName, parseNamespaceName } from "@koboldfs/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import mime from "mime";
import type { UrlSigner } from "../auth/url-signature.js";
import type { BlobStore } from "../blobs/blob-store.js";
import type { NamespaceViews } from "../files/namespace-views.js";
import { parseRange } from "../model/byte-range.js";
import { formatSha256 } from "../model/digest-field.js";
import { isPrivateTemplate } from "../model/direct-url.js";
import { decodePercent } from "../model/percent-encoding.js";
import { decideRead, ifRangeHolds } from "../model/read-condition.js";
import type { Clock } from "../runtime/clock.js";
import type { Logger } from "../runtime/logger.js";
import type { Face } from "./face.js";
import type { ReplyHeaders } from "./file-headers.js";
import type { Offload } from "./offload.js";
import { sendContent } from "./send-pieces.js";

export interface DirectFaceOptions {
  /** This node's disks. */
  readonly blobs: BlobStore;
  readonly namespaces: NamespaceViews;
  readonly offload: Offload;
  readonly signer: UrlSigner;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Bytes under a digest never change; a year is as long as caches are asked to keep anything. */
const FOR_EVER = "max-age=31536000, immutable";

/** What a direct URL names: bytes, and the file name under which they are shown. */
interface DirectName {
  readonly namespace: NamespaceName;
  readonly digest: Digest;
  readonly name: string;
  readonly query: URLSearchParams;
}

/**
 * Direct URLs, `/direct/{namespace}/{ab}/{cd}/{digest}/{name}`, for nodes that have no web server: open to who has such a
 * URL, whoever that is. What the web server of `koboldfs web-server` answers there, this does.
 */
export function createDirectFace(options: DirectFaceOptions): Face {
  return async (scope) => {
    const schema = { hide: true };
    scope.get("/direct/*", { schema, exposeHeadRoute: false }, (request, reply) => sendDirect(options, request, reply));
    scope.head("/direct/*", { schema }, (request, reply) => sendDirect(options, request, reply));
  };
}

async function sendDirect(options: DirectFaceOptions, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const name = parseDirectUrl(request.originalUrl);
  const isPublic = await admit(options, name);
  const { blobs, log } = options;
  const blob = await blobs.stat(name);
  if (blob === undefined) throw new KoboldError("not_found", "this node does not have these bytes");
  const { headers, method } = request;
  const handed = method === "GET" ? await options.offload.handOver({ ...name, ...blob }, headers) : undefined;
  if (handed !== undefined) return end(reply, 200, { ...formatHeaders(name, isPublic), ...handed });
  const base = formatHeaders(name, isPublic);
  const file = { ...name, sizeBytes: blob.sizeBytes, modified: new Date(0) };
  const verdict = decideRead({ ifMatch: headers["if-match"], ifNoneMatch: headers["if-none-match"] }, file);
  if (verdict === "malformed") throw new KoboldError("invalid_request", "a condition is malformed");
  if (verdict === "precondition_failed") throw new KoboldError("precondition_failed", "these are other bytes");
  if (verdict !== "send") return end(reply, 304, base);
  const range = ifRangeHolds(headers["if-range"] as string | undefined, name.digest) ? headers.range : undefined;
  const plan = parseRange(method === "HEAD" ? undefined : range, blob.sizeBytes);
  if (plan.kind === "unsatisfiable") {
    reply.header("Content-Range", `bytes */${blob.sizeBytes}`);
    throw new KoboldError("range_not_satisfiable", `the file has ${blob.sizeBytes} bytes`);
  }
  const span = plan.kind === "part" ? plan.span : undefined;
  const length = span === undefined ? blob.sizeBytes : span.end - span.start;
  const answer: ReplyHeaders = { ...base, "Content-Length": length };
  if (span !== undefined) answer["Content-Range"] = `bytes ${span.start}-${span.end - 1}/${blob.sizeBytes}`;
  if (method === "HEAD") return end(reply, 200, answer);
  const opened = await blobs.open(name, span);
  if (opened === undefined) throw new KoboldError("not_found", "this node does not have these bytes any more");
  const response = reply.raw.writeHead(span === undefined ? 200 : 206, answer);
  reply.hijack();
  sendContent(opened.content, response, log);
}

/** Whether everybody may have it. Throws `url_forged` and `url_expired`. */
async function admit({ clock, namespaces, signer }: DirectFaceOptions, name: DirectName): Promise<boolean> {
  const verdict = signer.check(name, name.query, Math.floor(clock.now() / 1000));
  if (verdict === "good") return false;
  const { urlTemplate } = await namespaces.get(name.namespace);
  if (urlTemplate !== undefined && !isPrivateTemplate(urlTemplate)) return true;
  if (verdict === "expired") throw new KoboldError("url_expired", "this URL was good until a moment that has passed");
  throw new KoboldError("url_forged", "this URL is not signed as its namespace demands");
}

/** Throws `route_not_found` for what was never a direct URL. */
function parseDirectUrl(url: string): DirectName {
  const [path = "", query = ""] = url.split("?", 2);
  const [, , namespace = "", first, second, digest = "", encodedName = "", ...rest] = path.split("/");
  const name = decodePercent(encodedName);
  const isWhole = isDigest(digest) && digest.startsWith(`${first}${second}`) && rest.length === 0;
  if (!isWhole || name === undefined || name === "" || name.includes("/")) {
    throw new KoboldError("route_not_found", "this is no direct URL");
  }
  return {
    namespace: parseNamespaceName(namespace),
    digest: digest as Digest,
    name,
    query: new URLSearchParams(query),
  };
}

function formatHeaders({ name, digest }: DirectName, isPublic: boolean): ReplyHeaders {
  return {
    ETag: `"${digest}"`,
    "Repr-Digest": formatSha256(digest),
    "Cache-Control": `${isPublic ? "public" : "private"}, ${FOR_EVER}`,
    "Content-Type": mime.getType(name) ?? "application/octet-stream",
    "Accept-Ranges": "bytes",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
  };
}

function end(reply: FastifyReply, status: number, headers: ReplyHeaders): void {
  reply.raw.writeHead(status, headers).end();
  reply.hijack();
}
