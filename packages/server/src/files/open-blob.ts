import type { OpenBlob } from "../blobs/blob-store.js";
import { BlobSources, type BlobSourcesOptions } from "./blob-sources.js";
import type { ByteRange } from "../blobs/blob-store.js";
import { SteadyBlobStream } from "./steady-blob-stream.js";

export interface OpenBlobOptions extends BlobSourcesOptions {
  readonly range?: ByteRange | undefined;
}

/**
 * The bytes of a file, from this node or else from the first peer that has them; a stream that fails midway goes on
 * from the next place. The caller consumes or destroys it. Throws `blob_unavailable`.
 */
export async function openBlob(options: OpenBlobOptions): Promise<OpenBlob> {
  const sources = new BlobSources(options);
  const { sizeBytes, content } = await sources.openNext(options.range);
  if (Buffer.isBuffer(content)) return { sizeBytes, content };
  return { sizeBytes, content: new SteadyBlobStream({ sources, first: content, sizeBytes, range: options.range }) };
}
