import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { KoboldError, type NamespaceName } from "@koboldfs/protocol";
import type {
  BlobRef,
  BlobStore,
  BlobWrite,
  BlobWriteOptions,
  ByteRange,
  OpenBlob,
  PlacedBlob,
} from "../blobs/blob-store.js";

type Step = () => void | Promise<void>;

/** A store that does what its faults say before it does its work: for tests of what must survive bad stores. */
export class FaultyBlobStore implements BlobStore {
  readonly #store: BlobStore;
  /** Each runs before its step: throws to fail it, never resolves to hang it. */
  beforeCreate: Step = () => {};
  beforeWrite: (writtenBytes: number) => void | Promise<void> = () => {};
  beforeFinish: Step = () => {};
  beforeOpen: Step = () => {};
  /** What a finished write says that it stored, if not the truth. */
  placedInstead: PlacedBlob | undefined;
  /** Gives out blobs as streams of such chunks, as disks do with large ones. */
  chunkBytes: number | undefined;
  /** A stream fails with this error once this many bytes of the blob went out. */
  failReadingAt: { readonly bytes: number; readonly error: Error } | undefined;
  /** What was given out and is neither consumed nor destroyed. */
  openStreams = 0;
  /** Writes that were begun and neither finished nor aborted. */
  openWrites = 0;

  constructor(store: BlobStore) {
    this.#store = store;
  }

  /** Takes all faults away. */
  heal(): void {
    this.beforeCreate = this.beforeWrite = this.beforeFinish = this.beforeOpen = () => {};
    this.chunkBytes = this.failReadingAt = this.placedInstead = undefined;
  }

  async open(ref: BlobRef, range?: ByteRange, signal?: AbortSignal): Promise<OpenBlob | undefined> {
    await this.beforeOpen();
    const blob = await this.#store.open(ref, range, signal);
    if (blob === undefined || this.chunkBytes === undefined) return blob;
    const content = Buffer.isBuffer(blob.content) ? blob.content : await buffer(blob.content);
    return { sizeBytes: blob.sizeBytes, content: this.#stream(content, this.chunkBytes) };
  }

  stat(ref: BlobRef, signal?: AbortSignal): Promise<{ sizeBytes: number } | undefined> {
    return this.#store.stat(ref, signal);
  }

  async create(namespace: NamespaceName, announced?: BlobWriteOptions, signal?: AbortSignal): Promise<BlobWrite> {
    await this.beforeCreate();
    const write = await this.#store.create(namespace, announced, signal);
    this.openWrites += 1;
    let writtenBytes = 0;
    let isOpen = true;
    const end = () => {
      if (isOpen) this.openWrites -= 1;
      isOpen = false;
    };
    return {
      write: async (chunk) => {
        await this.beforeWrite(writtenBytes);
        writtenBytes += chunk.length;
        await write.write(chunk);
      },
      finish: async () => {
        await this.beforeFinish();
        const placed = await write.finish();
        end();
        return this.placedInstead ?? placed;
      },
      abort: async () => {
        await write.abort();
        end();
      },
    };
  }

  #stream(content: Buffer, chunkBytes: number): Readable {
    const stream = Readable.from(this.#chunks(content, chunkBytes), { objectMode: false });
    this.openStreams += 1;
    return stream.once("close", () => {
      this.openStreams -= 1;
    });
  }

  *#chunks(content: Buffer, chunkBytes: number): Generator<Buffer> {
    for (let start = 0; start < content.length; start += chunkBytes) {
      const fault = this.failReadingAt;
      if (fault !== undefined && start >= fault.bytes) throw fault.error;
      yield content.subarray(start, start + chunkBytes);
    }
  }
}

export function hang(): Promise<never> {
  return new Promise(() => {});
}

export function fails(code: ConstructorParameters<typeof KoboldError>[0]): () => never {
  return () => {
    throw new KoboldError(code, "a fault of the test");
  };
}
