import { Readable } from "node:stream";
import { KoboldError } from "@koboldfs/protocol";
import type { FileSystem, OpenFile } from "../../runtime/file-system.js";
import type { BlobRef, ByteRange, OpenBlob } from "../blob-store.js";
import {
  checkDigest,
  checkRange,
  corrupt,
  READ_CHUNK_BYTES,
  SMALL_BLOB_BYTES,
  StreamCheck,
} from "../verified-bytes.js";
import { isMissing, isReadFailing, toDiskError } from "./disk-error.js";

/** What is read: a blob's file, and which of its bytes. */
export interface DiskReadOptions {
  readonly ref: BlobRef;
  readonly path: string;
  readonly range?: ByteRange | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told when the disk could not give what it should have, while the content is read too. */
  readonly onFailure?: (error: unknown) => void;
}

/** Undefined when there is no such file. A whole blob is checked against its digest, a range is not. */
export async function openBlobFile(files: FileSystem, options: DiskReadOptions): Promise<OpenBlob | undefined> {
  options.signal?.throwIfAborted();
  const file = await openExisting(files, options);
  if (file === undefined) return undefined;
  let handedOver = false;
  try {
    const blob = await openContent(file, options);
    handedOver = blob.content instanceof Readable;
    return blob;
  } catch (error) {
    if (isReadFailing(error)) options.onFailure?.(error);
    throw toDiskError(error, `cannot read ${options.path}`);
  } finally {
    if (!handedOver) await file.close();
  }
}

async function openExisting(files: FileSystem, { path, onFailure }: DiskReadOptions): Promise<OpenFile | undefined> {
  try {
    return await files.open(path, "read");
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (isReadFailing(error)) onFailure?.(error);
    throw toDiskError(error, `cannot open ${path}`);
  }
}

async function openContent(file: OpenFile, options: DiskReadOptions): Promise<OpenBlob> {
  const { ref, range, signal, onFailure } = options;
  const { sizeBytes, isFile } = await file.stat();
  if (!isFile) throw corrupt(ref, "something that is not a file has its name");
  if (range !== undefined) checkRange(range, sizeBytes);
  const { start, end } = range ?? { start: 0, end: sizeBytes };
  if (end - start > SMALL_BLOB_BYTES) {
    const check = range === undefined ? new StreamCheck(ref, sizeBytes) : undefined;
    return { sizeBytes, content: new DiskBlobStream({ file, ref, start, end, check, signal, onFailure }) };
  }
  const content = Buffer.allocUnsafe(end - start);
  const read = await file.read(content, start);
  if (read < content.length) throw corrupt(ref, `its file ends after ${start + read} bytes`);
  if (range === undefined) checkDigest(content, ref);
  signal?.throwIfAborted();
  return { sizeBytes, content };
}

interface DiskBlobStreamOptions {
  readonly file: OpenFile;
  readonly ref: BlobRef;
  readonly start: number;
  readonly end: number;
  readonly check: StreamCheck | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onFailure: ((error: unknown) => void) | undefined;
}

/** Reads ahead by one chunk and closes the file when it ends, whichever way. */
class DiskBlobStream extends Readable {
  readonly #options: DiskBlobStreamOptions;
  #position: number;
  #reading: Promise<void> = Promise.resolve();

  constructor(options: DiskBlobStreamOptions) {
    super({ highWaterMark: READ_CHUNK_BYTES, ...(options.signal === undefined ? {} : { signal: options.signal }) });
    this.#options = options;
    this.#position = options.start;
  }

  override _read(): void {
    this.#reading = this.#next().catch((error: unknown) => {
      this.destroy(error instanceof Error ? error : new Error("reading failed", { cause: error }));
    });
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // A descriptor must not be closed under a read that still uses it. What close says of a file that was only read
    // changes nothing for anyone.
    const end = () => callback(error);
    void this.#reading.then(() => this.#options.file.close()).then(end, end);
  }

  async #next(): Promise<void> {
    const { end, check } = this.#options;
    const want = Math.min(READ_CHUNK_BYTES, end - this.#position);
    const piece = Buffer.allocUnsafeSlow(want);
    await this.#fill(piece);
    check?.add(piece);
    this.#position += want;
    this.push(piece);
    if (this.#position === end) this.push(null);
  }

  async #fill(piece: Buffer): Promise<void> {
    const { file, ref, onFailure } = this.#options;
    const read = await file.read(piece, this.#position).catch((error: unknown) => {
      if (isReadFailing(error)) onFailure?.(error);
      throw toDiskError(error, `cannot read blob ${ref.namespace}/${ref.digest}`);
    });
    if (read < piece.length) throw corrupt(ref, `its file ends after ${this.#position + read} bytes`);
  }
}

/** Size of a blob's file, or undefined when there is none. */
export async function statBlobFile(files: FileSystem, path: string): Promise<{ sizeBytes: number } | undefined> {
  try {
    const stat = await files.findStat(path);
    if (stat === undefined) return undefined;
    if (!stat.isFile) throw new KoboldError("disk_failed", `${path} is not a file`);
    return { sizeBytes: stat.sizeBytes };
  } catch (error) {
    // A file where a folder should be.
    if (isMissing(error)) return undefined;
    throw toDiskError(error, `cannot look at ${path}`);
  }
}
