import { type Digest, KoboldError } from "@koboldfs/protocol";
import { createHasher } from "./sha256.js";
import { type SourceBody, toBytes } from "../transfer/source-body.js";

/** Bytes up to this size are hashed in one go: a few milliseconds, in which the page stands still. */
const WHOLE_BYTES = 1024 * 1024;
/** A stream has to be kept whole before it can be sent. Larger files come as a `File`, which stays on the disk. */
const MAX_KEPT_BYTES = 256 * 1024 * 1024;

/** Content that the browser keeps, with its digest. */
export class BlobBody implements SourceBody {
  readonly blob: Blob;
  readonly sizeBytes: number;
  readonly digest: Digest;

  constructor(blob: Blob, digest: Digest) {
    this.blob = blob;
    this.sizeBytes = blob.size;
    this.digest = digest;
  }

  read(): AsyncIterable<Uint8Array> {
    return readBlob(this.blob);
  }

  async close(): Promise<void> {}
}

/**
 * Makes a body that a browser can send: it sends no streams, so a stream is kept until its end came, and everything is
 * read once for its digest, which the server then checks. Throws `too_large` and `source_unreadable`.
 */
export async function prepareBlobBody(body: SourceBody): Promise<SourceBody> {
  if (body.bytes !== undefined && body.bytes.length <= WHOLE_BYTES) return body;
  try {
    const blob = body.blob ?? (await keep(body));
    return new BlobBody(blob, await hashBlob(blob));
  } finally {
    await body.close();
  }
}

async function keep(body: SourceBody): Promise<Blob> {
  if (body.bytes !== undefined) return new Blob([body.bytes as Uint8Array<ArrayBuffer>]);
  const pieces: BlobPart[] = [];
  let sizeBytes = 0;
  for await (const piece of body.read()) {
    sizeBytes += piece.length;
    if (sizeBytes > MAX_KEPT_BYTES) {
      throw new KoboldError("too_large", `a browser sends at most ${MAX_KEPT_BYTES} bytes of a stream; give a File`);
    }
    // A copy: whoever gave the piece may use its memory again.
    pieces.push(piece.slice() as Uint8Array<ArrayBuffer>);
  }
  return new Blob(pieces);
}

async function hashBlob(blob: Blob): Promise<Digest> {
  const hasher = createHasher();
  for await (const piece of readBlob(blob)) hasher.update(piece);
  return hasher.digest() as Digest;
}

/** By a reader: not every browser's streams can be iterated. */
async function* readBlob(blob: Blob): AsyncGenerator<Uint8Array> {
  const reader = blob.stream().getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield toBytes(value);
    }
  } catch (cause) {
    // What a browser says of a File whose file was changed or removed.
    if (cause instanceof DOMException) throw new KoboldError("source_unreadable", cause.message, { cause });
    throw cause;
  } finally {
    reader.cancel().catch(() => undefined);
  }
}
