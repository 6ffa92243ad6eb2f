import type { ByteRange, OpenBlob } from "../blobs/blob-store.js";
import { PieceStream } from "../blobs/piece-stream.js";
import { BlobSources, type BlobSourcesOptions } from "./blob-sources.js";
import { SteadyPieces } from "./steady-pieces.js";

export interface OpenBlobOptions extends BlobSourcesOptions {
  readonly range?: ByteRange | undefined;
}

/**
 * The bytes of a file, from this node or else from the first peer that has them; a stream that fails midway goes on
 * from the next place. The caller consumes or destroys it. Throws `blob_unavailable`.
 */
export async function openBlob(options: OpenBlobOptions): Promise<OpenBlob> {
  const { range } = options;
  const sources = new BlobSources(options);
  const { sizeBytes, content } = await sources.openNext(range);
  if (Buffer.isBuffer(content)) return { sizeBytes, content };
  return { sizeBytes, content: new PieceStream(new SteadyPieces({ sources, first: content, sizeBytes, range })) };
}
