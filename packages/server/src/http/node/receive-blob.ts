import type { Readable } from "node:stream";
import { KoboldError, type NamespaceName } from "@koboldfs/protocol";
import type { BlobStore, BlobWrite, BlobWriteOptions, PlacedBlob } from "../../blobs/blob-store.js";

export interface ReceivedBlob {
  readonly namespace: NamespaceName;
  readonly announced: BlobWriteOptions;
  readonly body: Readable;
}

/**
 * Pours a request's body into the store; the body's orderly end is the sender's commit. A body that is cut short
 * leaves nothing. The body is not destroyed on failure: the answer goes out on the same connection.
 */
export async function receiveBlob(blobs: BlobStore, received: ReceivedBlob): Promise<PlacedBlob> {
  const write = await blobs.create(received.namespace, received.announced);
  try {
    await pour(received.body, write);
    return await write.finish();
  } catch (error) {
    await write.abort();
    throw error;
  }
}

async function pour(body: Readable, write: BlobWrite): Promise<void> {
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  try {
    for await (const chunk of chunks) await write.write(chunk);
  } catch (error) {
    if (!body.destroyed || error instanceof KoboldError) throw error;
    throw new KoboldError("body_too_short", "the connection ended before the blob did", { cause: error });
  }
  if (!body.readableEnded) throw new KoboldError("body_too_short", "the connection ended before the blob did");
}
