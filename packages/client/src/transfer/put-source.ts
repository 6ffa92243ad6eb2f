import type { Platform } from "../platform.js";
import { BlobBody, BytesBody, ReopenableBody, type SourceBody } from "./source-body.js";
import { StreamBody } from "./stream-body.js";

/**
 * Where the bytes of a put come from.
 *
 * - `string`: the PATH of a file (for text, give `Buffer.from(text)`);
 * - `Uint8Array` (a `Buffer` is one) or `Blob`: the content itself;
 * - an async iterable of bytes (a `Readable`, a `ReadableStream`): read once. After the first MiB it cannot be sent
 *   again, so a server that fails then fails the put with `source_consumed`;
 * - a function that opens such a stream anew for each attempt.
 */
export type PutSource = string | Uint8Array | Blob | AsyncIterable<unknown> | (() => AsyncIterable<unknown>);

/**
 * What the platform's transport can send of a source. Throws `source_unreadable` for a path that is no readable file, and
 * a TypeError for what is no source.
 */
export async function openPutSource(source: PutSource, platform: Platform): Promise<SourceBody> {
  const body = await openBody(source, platform);
  return platform.prepareBody === undefined ? body : platform.prepareBody(body);
}

async function openBody(source: PutSource, platform: Platform): Promise<SourceBody> {
  if (typeof source === "string") return platform.openPath(source);
  if (source instanceof Uint8Array) return new BytesBody(source);
  if (source instanceof Blob) return new BlobBody(source);
  if (typeof source === "function") return new ReopenableBody(source);
  if (Symbol.asyncIterator in source) return new StreamBody(source);
  throw new TypeError("a source is a path, bytes, a Blob, an async iterable or a function that opens one");
}
