import { Readable } from "node:stream";
import { type NamespaceName, parseDigest, parseNamespaceName } from "@koboldfs/protocol";
import { AnnouncedBytes } from "../announced-bytes.js";
import type {
  BlobRef,
  BlobStore,
  BlobWrite,
  BlobWriteOptions,
  ByteRange,
  OpenBlob,
  PlacedBlob,
} from "../blob-store.js";
import { GuardedWrite, type WriteSteps } from "../guarded-write.js";
import { checkDigest, checkRange, READ_CHUNK_BYTES, SMALL_BLOB_BYTES, StreamCheck } from "../verified-bytes.js";

/** Blobs in this process's memory: what tests above the store use instead of a disk. */
export class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<string, Buffer>();

  async open(ref: BlobRef, range?: ByteRange, signal?: AbortSignal): Promise<OpenBlob | undefined> {
    signal?.throwIfAborted();
    const blob = this.#blobs.get(nameOf(ref));
    if (blob === undefined) return undefined;
    if (range !== undefined) checkRange(range, blob.length);
    // A copy: what the reader does with its bytes is not our blob's business.
    const content = Buffer.from(blob.subarray(range?.start, range?.end));
    const sizeBytes = blob.length;
    if (content.length > SMALL_BLOB_BYTES) {
      const check = range === undefined ? new StreamCheck(ref, sizeBytes) : undefined;
      return { sizeBytes, content: Readable.from(piecesOf(content, check), { objectMode: false }) };
    }
    if (range === undefined) checkDigest(content, ref);
    return { sizeBytes, content };
  }

  async stat(ref: BlobRef, signal?: AbortSignal): Promise<{ sizeBytes: number } | undefined> {
    signal?.throwIfAborted();
    const blob = this.#blobs.get(nameOf(ref));
    return blob === undefined ? undefined : { sizeBytes: blob.length };
  }

  async create(namespace: NamespaceName, announced: BlobWriteOptions = {}, signal?: AbortSignal): Promise<BlobWrite> {
    parseNamespaceName(namespace);
    const steps = new MemoryWrite(announced, (digest, bytes) => {
      this.#blobs.set(nameOf({ namespace, digest }), bytes);
    });
    return new GuardedWrite(steps, signal);
  }

  /** False when there was none. */
  remove(ref: BlobRef): boolean {
    return this.#blobs.delete(nameOf(ref));
  }

  /** For tests: puts other bytes under the digest, as a failing disk would. */
  damage(ref: BlobRef, bytes: Uint8Array): void {
    this.#blobs.set(nameOf(ref), Buffer.from(bytes));
  }
}

class MemoryWrite implements WriteSteps {
  readonly #bytes: AnnouncedBytes;
  readonly #place: (digest: PlacedBlob["digest"], bytes: Buffer) => void;
  #chunks: Uint8Array[] = [];

  constructor(announced: BlobWriteOptions, place: (digest: PlacedBlob["digest"], bytes: Buffer) => void) {
    this.#bytes = new AnnouncedBytes(announced);
    this.#place = place;
  }

  async append(chunk: Uint8Array): Promise<void> {
    await this.#bytes.add(chunk);
    this.#chunks.push(chunk);
  }

  async complete(lastChance: () => void): Promise<PlacedBlob> {
    const placed = this.#bytes.end();
    lastChance();
    this.#place(placed.digest, Buffer.concat(this.#chunks));
    return placed;
  }

  async discard(): Promise<void> {
    this.#chunks = [];
  }
}

function* piecesOf(bytes: Buffer, check: StreamCheck | undefined): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += READ_CHUNK_BYTES) {
    const piece = bytes.subarray(start, start + READ_CHUNK_BYTES);
    check?.add(piece);
    yield piece;
  }
}

/** Parsed again, as the disk store does: a test that passes here must not fail there. */
function nameOf(ref: BlobRef): string {
  return `${parseNamespaceName(ref.namespace)}/${parseDigest(ref.digest)}`;
}
