import type { IncomingHttpHeaders } from "node:http";
import { formatMetadataHeaders, HEADER } from "@koboldfs/protocol";
import type { AsOf } from "../files/catalog-reads.js";
import type { FoundFile } from "../files/file-service.js";
import type { ByteSpan } from "../model/byte-range.js";
import { formatSha256 } from "../model/digest-field.js";
import type { ReadConditions } from "../model/read-condition.js";

export type ReplyHeaders = Record<string, string | number>;

/** What a 304 repeats of a file's headers (RFC 9110 section 15.4.5). */
export function validatorHeaders(file: FoundFile): ReplyHeaders {
  return {
    // What is about to replace it is known to whoever decides over that transaction.
    ...(file.heldBy !== undefined && { [HEADER.transaction]: file.heldBy }),
    ...(file.asOf && asOfHeaders(file.asOf)),
    ETag: `"${file.digest}"`,
    "Last-Modified": file.modified.toUTCString(),
    // Another version may be acknowledged at any moment: whoever keeps this one asks before it uses it.
    "Cache-Control": "no-cache",
    [HEADER.version]: file.version,
  };
}

/** The journal number and time of which an answer is true that is not from the catalog, and how old that may be. */
export function asOfHeaders({ number, time, ageMs }: AsOf): ReplyHeaders {
  const headers: ReplyHeaders = { [HEADER.asOf]: `${number}, ${time.toISOString()}` };
  // Rounded up: a bound must not be below the truth.
  if (ageMs !== undefined) headers[HEADER.mirrorAge] = Math.ceil(ageMs / 1000);
  return headers;
}

/** Everything that is said of a file along with its bytes, but their length. */
export function fileHeaders(file: FoundFile): ReplyHeaders {
  const headers = validatorHeaders(file);
  headers["Content-Type"] = file.contentType;
  if (file.expiresMs !== undefined) headers[HEADER.expires] = new Date(file.expiresMs).toISOString();
  headers["Accept-Ranges"] = "bytes";
  headers["Repr-Digest"] = formatSha256(file.digest);
  // Files come from users: a browser must neither guess that one is a page, nor let a page act in this origin's name.
  headers["X-Content-Type-Options"] = "nosniff";
  headers["Content-Security-Policy"] = "sandbox";
  return Object.assign(headers, formatMetadataHeaders(file.metadata));
}

/** As of an answer with all bytes of the file. */
export function wholeHeaders(file: FoundFile): ReplyHeaders {
  const headers = fileHeaders(file);
  headers["Content-Length"] = file.sizeBytes;
  return headers;
}

/** As of an answer with some of them. */
export function partHeaders(file: FoundFile, { start, end }: ByteSpan): ReplyHeaders {
  const headers = fileHeaders(file);
  headers["Content-Length"] = end - start;
  headers["Content-Range"] = `bytes ${start}-${end - 1}/${file.sizeBytes}`;
  return headers;
}

/** The conditions that a request makes. */
export function conditionsOf(headers: IncomingHttpHeaders): ReadConditions {
  return {
    ifMatch: headers["if-match"],
    ifNoneMatch: headers["if-none-match"],
    ifModifiedSince: headers["if-modified-since"],
    ifUnmodifiedSince: headers["if-unmodified-since"],
  };
}
