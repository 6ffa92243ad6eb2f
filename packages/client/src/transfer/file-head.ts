import { type FileInfo, HEADER, parseMetadataHeaders } from "@koboldfs/protocol";
import { parseDigestHeader, parseEntityTag } from "../digest-header.js";
import type { TransportResponse } from "../platform.js";
import { AttemptFailure } from "../session/attempt-failure.js";

/** What the head of an answer says of a file and of the part of it that follows. */
export interface FileHead {
  readonly info: FileInfo;
  /** Where in the file the body begins, and how long it is. */
  readonly offset: number;
  readonly length: number;
}

/** Reads the head of an answer to GET or HEAD of `key`. */
export function readFileHead(key: string, response: TransportResponse): FileHead {
  const { headers } = response;
  const digest = parseEntityTag(headers["etag"]) ?? parseDigestHeader(headers[HEADER.reprDigest]);
  if (digest === undefined) throw AttemptFailure.invalidResponse("the server's answer has no digest of the file");
  const part = readPart(response);
  const modified = new Date(headers["last-modified"] ?? Number.NaN);
  return {
    info: {
      key,
      digest,
      size: part.size,
      version: readCount(headers[HEADER.version], HEADER.version),
      contentType: headers["content-type"] ?? "application/octet-stream",
      metadata: parseMetadataHeaders(headers),
      ...(headers[HEADER.expires] !== undefined && { expires: headers[HEADER.expires] }),
      modified: Number.isNaN(modified.getTime()) ? "" : modified.toISOString(),
    },
    offset: part.offset,
    length: part.length,
  };
}

function readPart(response: TransportResponse): { size: number; offset: number; length: number } {
  if (response.status !== 206) {
    const size = readCount(response.headers["content-length"], "content-length");
    return { size, offset: 0, length: size };
  }
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers["content-range"] ?? "");
  if (match === null) throw AttemptFailure.invalidResponse("the server's answer to a range has no Content-Range");
  const [offset, last, size] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return { size, offset, length: last - offset + 1 };
}

function readCount(text: string | undefined, name: string): number {
  if (text === undefined || !/^\d{1,16}$/.test(text)) {
    throw AttemptFailure.invalidResponse(`the server's answer has no valid ${name} header`);
  }
  return Number(text);
}
