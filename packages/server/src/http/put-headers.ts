import type { IncomingHttpHeaders } from "node:http";
import { type Digest, HEADER, KoboldError, parseMetadataHeaders } from "@koboldfs/protocol";
import type { PutRequest } from "../files/put-request.js";
import type { Precondition } from "../model/change.js";
import { parseExpires } from "./expiry-header.js";
import { parseEntityTags, strongDigests, weakDigests } from "../model/precondition.js";
import { parseSha256 } from "../model/digest-field.js";

const DEFAULT_CONTENT_TYPE = "application/octet-stream";
/** More than any registered type with its parameters; the catalog's column has the same bound. */
const MAX_CONTENT_TYPE_LENGTH = 255;
const PRINTABLE = /^[\x20-\x7e]*$/;
/** More copies than any cluster of ordinary machines has nodes. */
const MAX_MIN_COPIES = 100;
/** The draft wants a quoted string; a bare one means the same, since half of the world sends that. */
const QUOTED_KEY = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,256})"$/;
const BARE_KEY = /^[\x21\x23-\x7e]+$/;
const MAX_IDEMPOTENCY_KEY_LENGTH = 128;

type PutHeaders = Omit<PutRequest, "namespace" | "key" | "body" | "signal">;

/** What the headers of a put say. Throws `invalid_request`, `invalid_digest`, `invalid_metadata`, … */
export function parsePutHeaders(headers: IncomingHttpHeaders): PutHeaders {
  checkEncoding(headers);
  const digest = parseAnnouncedDigest(headers);
  const precondition = parsePrecondition(headers);
  const idempotencyKey = parseIdempotencyKey(headers);
  const minCopies = parseMinCopies(headers[HEADER.minCopies]);
  const expires = parseExpires(headers[HEADER.expires]);
  return {
    ...(headers["content-length"] !== undefined && { sizeBytes: Number(headers["content-length"]) }),
    ...(digest !== undefined && { digest }),
    contentType: parseContentType(headers["content-type"]),
    metadata: parseMetadataHeaders(headers),
    ...(precondition !== undefined && { precondition }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(minCopies !== undefined && { minCopies }),
    ...(expires !== undefined && { expires }),
  };
}

/** Conditions under which something may change. Throws `invalid_request`. */
export function parsePrecondition(headers: IncomingHttpHeaders): Precondition | undefined {
  if (headers["if-unmodified-since"] !== undefined || headers["if-modified-since"] !== undefined) {
    // Two versions of one second have the same date: a change must not depend on it, nor may it be ignored.
    throw new KoboldError("invalid_request", "changes take If-Match and If-None-Match, not dates");
  }
  const ifMatch = headers["if-match"];
  const ifNoneMatch = headers["if-none-match"];
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  return {
    ...(ifMatch !== undefined && { ifMatch: strongDigests(parseTags("If-Match", ifMatch)) }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch: weakDigests(parseTags("If-None-Match", ifNoneMatch)) }),
  };
}

/** Throws `invalid_request`. */
export function parseIdempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const text = headers[HEADER.idempotencyKey];
  if (text === undefined) return undefined;
  const value = String(text);
  const quoted = QUOTED_KEY.exec(value)?.[1]?.replaceAll(/\\(.)/g, "$1");
  const key = quoted ?? (BARE_KEY.test(value) ? value : "");
  if (key.length > 0 && key.length <= MAX_IDEMPOTENCY_KEY_LENGTH) return key;
  throw invalid(`Idempotency-Key is not a string of 1 to ${MAX_IDEMPOTENCY_KEY_LENGTH} printable ASCII characters`);
}

function parseTags(name: string, header: string) {
  const tags = parseEntityTags(header);
  if (tags === undefined) throw invalid(`${name} is neither * nor a list of entity tags`);
  return tags;
}

function checkEncoding(headers: IncomingHttpHeaders): void {
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== "identity") {
    // What was stored is given back as it is: nobody would know any more that it is encoded.
    throw new KoboldError("unsupported_media_type", `Content-Encoding: ${encoding} is not understood`);
  }
  // RFC 9110 section 14.4: a part must not be taken for the whole.
  if (headers["content-range"] !== undefined) throw invalid("a file is put whole, without Content-Range");
}

function parseContentType(header: string | undefined): string {
  if (header === undefined) return DEFAULT_CONTENT_TYPE;
  if (header.length <= MAX_CONTENT_TYPE_LENGTH && PRINTABLE.test(header)) return header;
  throw invalid(`Content-Type is longer than ${MAX_CONTENT_TYPE_LENGTH} characters or not printable ASCII`);
}

/** The content of a request without Content-Encoding is the representation: both fields speak of the same bytes. */
function parseAnnouncedDigest(headers: IncomingHttpHeaders): Digest | undefined {
  const content = parseSha256(headers[HEADER.contentDigest]);
  const representation = parseSha256(headers[HEADER.reprDigest]);
  if (content !== undefined && representation !== undefined && content !== representation) {
    throw new KoboldError("invalid_digest", "Content-Digest and Repr-Digest announce different bytes");
  }
  return content ?? representation;
}

function parseMinCopies(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const copies = /^\d{1,3}$/.test(String(header)) ? Number(header) : 0;
  if (copies >= 1 && copies <= MAX_MIN_COPIES) return copies;
  throw invalid(`Koboldfs-Min-Copies is not a number from 1 to ${MAX_MIN_COPIES}`);
}

function invalid(message: string): KoboldError {
  return new KoboldError("invalid_request", message);
}
