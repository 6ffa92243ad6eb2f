import type { Digest } from "@koboldfs/protocol";

/** What a put sends, ready to be read. Whoever got it closes it, once, whatever happened. */
export interface SourceBody {
  /** The whole content when it is in memory already. */
  readonly bytes?: Uint8Array;
  /** The whole content where the platform keeps it, perhaps on its disk. */
  readonly blob?: Blob;
  /** In bytes; undefined when only the end will tell. */
  readonly sizeBytes?: number;
  /** What the bytes are known to be before they are read. */
  readonly digest?: Digest;
  /** By what another process can tell that it has the same source. */
  readonly identity?: string;
  /**
   * Reads from the beginning, one reader at a time; an earlier reader ends. Throws `source_consumed` when the source
   * cannot go back that far, `source_unreadable`, or `source_changed`.
   */
  read(): AsyncIterable<Uint8Array>;
  /** As `read`, from any place on, as often as one likes. Absent where the source cannot do that. */
  readonly readFrom?: (position: number) => AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Bytes in memory go in pieces where progress is to be seen. */
const PIECE_BYTES = 256 * 1024;

/** Content that is in memory. */
export class BytesBody implements SourceBody {
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
  readonly digest?: Digest;

  constructor(bytes: Uint8Array, digest?: Digest) {
    this.bytes = bytes;
    this.sizeBytes = bytes.length;
    if (digest !== undefined) this.digest = digest;
  }

  async *read(): AsyncGenerator<Uint8Array> {
    yield this.bytes;
  }

  async *readFrom(position: number): AsyncGenerator<Uint8Array> {
    for (let start = position; start < this.bytes.length; start += PIECE_BYTES) {
      yield this.bytes.subarray(start, start + PIECE_BYTES);
    }
  }

  async close(): Promise<void> {}
}

/** Content that the platform keeps, perhaps on its disk. */
export class BlobBody implements SourceBody {
  readonly sizeBytes: number;
  readonly #blob: Blob;

  constructor(blob: Blob) {
    this.#blob = blob;
    this.sizeBytes = blob.size;
  }

  read(): AsyncGenerator<Uint8Array> {
    return this.readFrom(0);
  }

  async *readFrom(position: number): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#blob.slice(position).stream()) yield chunk;
  }

  async close(): Promise<void> {}
}

/** Content that can be opened again and again by a function that opens a stream. */
export class ReopenableBody implements SourceBody {
  readonly #open: () => AsyncIterable<unknown>;
  readonly sizeBytes?: number;

  constructor(open: () => AsyncIterable<unknown>, sizeBytes?: number) {
    this.#open = open;
    if (sizeBytes !== undefined) this.sizeBytes = sizeBytes;
  }

  async *read(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#open()) yield toBytes(chunk);
  }

  async close(): Promise<void> {}
}

/** A piece as streams give it: bytes, or text as UTF-8. */
export function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === "string") return new TextEncoder().encode(chunk);
  throw new TypeError(`a source must give bytes or text, not ${typeof chunk}`);
}
