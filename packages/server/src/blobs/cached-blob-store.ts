import type { NamespaceName } from "@koboldfs/protocol";
import { LRUCache } from "lru-cache";
import type { BlobReader, BlobRef, BlobStore, BlobWrite, BlobWriteOptions, ByteRange, OpenBlob } from "./blob-store.js";
import { checkRange } from "./verified-bytes.js";

/**
 * Bytes kept, about half of what a node takes otherwise: a thousand thumbnails of 64 KiB, or sixteen thousand small
 * files. The kernel keeps far more in its page cache; what is saved here is asking it, and hashing again.
 */
export const CACHE_BYTES = 64 * 1024 * 1024;

/**
 * Keeps small blobs that were read whole, and so were checked, in memory. What a digest names never changes, so nothing
 * here can be stale. Whoever wants to know what is on the disk asks the store beneath.
 */
export class CachedBlobReader implements BlobReader {
  readonly #reader: BlobReader;
  readonly #blobs: LRUCache<string, Buffer>;

  constructor(reader: BlobReader, cacheBytes: number) {
    this.#reader = reader;
    // An empty blob takes room too: its entry.
    this.#blobs = new LRUCache({ maxSize: cacheBytes, sizeCalculation: (bytes) => Math.max(bytes.length, 1) });
  }

  async open(ref: BlobRef, range?: ByteRange, signal?: AbortSignal): Promise<OpenBlob | undefined> {
    signal?.throwIfAborted();
    const id = `${ref.namespace}/${ref.digest}`;
    const known = this.#blobs.get(id);
    if (known !== undefined) return part(known, range);
    const blob = await this.#reader.open(ref, range, signal);
    if (range === undefined && Buffer.isBuffer(blob?.content)) this.#blobs.set(id, blob.content);
    return blob;
  }
}

/** The same of a whole store. */
export class CachedBlobStore extends CachedBlobReader implements BlobStore {
  readonly #store: BlobStore;

  constructor(store: BlobStore, cacheBytes = CACHE_BYTES) {
    super(store, cacheBytes);
    this.#store = store;
  }

  stat(ref: BlobRef, signal?: AbortSignal): Promise<{ sizeBytes: number } | undefined> {
    return this.#store.stat(ref, signal);
  }

  create(namespace: NamespaceName, options?: BlobWriteOptions, signal?: AbortSignal): Promise<BlobWrite> {
    return this.#store.create(namespace, options, signal);
  }
}

function part(bytes: Buffer, range: ByteRange | undefined): OpenBlob {
  if (range !== undefined) checkRange(range, bytes.length);
  return { sizeBytes: bytes.length, content: range === undefined ? bytes : bytes.subarray(range.start, range.end) };
}
