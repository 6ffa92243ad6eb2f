import { formatMetadataHeaders, HEADER } from "@koboldfs/protocol";
import type { PutOptions } from "../client-options.js";
import type { PutSource } from "./put-source.js";

/** The headers of a put besides those that depend on its bytes. */
export function formatPutHeaders(options: PutOptions, idempotencyKey: string): Record<string, string> {
  const headers: Record<string, string> = { [HEADER.idempotencyKey]: idempotencyKey };
  if (options.contentType !== undefined) headers["content-type"] = options.contentType;
  if (options.ifMatch !== undefined) headers["if-match"] = `"${options.ifMatch}"`;
  if (options.ifNoneMatch !== undefined) {
    headers["if-none-match"] = options.ifNoneMatch === "*" ? "*" : `"${options.ifNoneMatch}"`;
  }
  if (options.minCopies !== undefined) headers[HEADER.minCopies] = String(options.minCopies);
  if (options.expires !== undefined) headers[HEADER.expires] = String(options.expires);
  return options.metadata === undefined ? headers : { ...headers, ...formatMetadataHeaders(options.metadata) };
}

/** A Blob may know its type. */
export function withOwnType(source: PutSource, options: PutOptions): PutOptions {
  return source instanceof Blob && source.type !== "" ? { contentType: source.type, ...options } : options;
}
