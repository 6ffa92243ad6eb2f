import { formatMetadataHeaders, HEADER } from "@koboldfs/protocol";
import type { FileRecord } from "../model/change.js";
import { formatSha256 } from "../model/digest-field.js";

export type ReplyHeaders = Record<string, string | number>;

/** What a 304 repeats of a file's headers (RFC 9110 section 15.4.5). */
export function validatorHeaders(file: FileRecord): ReplyHeaders {
  return {
    ETag: `"${file.digest}"`,
    "Last-Modified": file.modified.toUTCString(),
    // Another version may be acknowledged at any moment: whoever keeps this one asks before it uses it.
    "Cache-Control": "no-cache",
    [HEADER.version]: file.version,
  };
}

/** Everything that is said of a file along with its bytes, but their length. */
export function fileHeaders(file: FileRecord): ReplyHeaders {
  const headers = validatorHeaders(file);
  headers["Content-Type"] = file.contentType;
  headers["Accept-Ranges"] = "bytes";
  headers["Repr-Digest"] = formatSha256(file.digest);
  // Files come from users: a browser must neither guess that one is a page, nor let a page act in this origin's name.
  headers["X-Content-Type-Options"] = "nosniff";
  headers["Content-Security-Policy"] = "sandbox";
  return Object.assign(headers, formatMetadataHeaders(file.metadata));
}
