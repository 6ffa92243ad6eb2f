import type { Hash } from "node:crypto";
import { Readable } from "node:stream";
import { KoboldError } from "@koboldfs/protocol";
import type { FileSystem, OpenFile } from "../../runtime/file-system.js";
import type { BlobRef, ByteRange, OpenBlob } from "../blob-store.js";
import type { PiecePool } from "../piece-pool.js";
import { type BlobPieces, PieceStream } from "../piece-stream.js";
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
  /** Of pieces of `READ_CHUNK_BYTES`. */
  readonly pool: PiecePool;
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
  const { ref, range, signal, pool, onFailure } = options;
  const { sizeBytes, isFile } = await file.stat();
  if (!isFile) throw corrupt(ref, "something that is not a file has its name");
  if (range !== undefined) checkRange(range, sizeBytes);
  const { start, end } = range ?? { start: 0, end: sizeBytes };
  if (end - start > SMALL_BLOB_BYTES) {
    const check = range === undefined ? new StreamCheck(ref, sizeBytes) : undefined;
    const pieces = new DiskPieces({ file, ref, start, end, check, pool, onFailure });
    return { sizeBytes, content: new PieceStream(pieces, signal) };
  }
  const content = Buffer.allocUnsafe(end - start);
  const read = await file.read(content, start);
  if (read < content.length) throw corrupt(ref, `its file ends after ${start + read} bytes`);
  if (range === undefined) checkDigest(content, ref);
  signal?.throwIfAborted();
  return { sizeBytes, content };
}

interface DiskPiecesOptions {
  readonly file: OpenFile;
  readonly ref: BlobRef;
  readonly start: number;
  readonly end: number;
  readonly check: StreamCheck | undefined;
  readonly pool: PiecePool;
  readonly onFailure: ((error: unknown) => void) | undefined;
}

/**
 * Reads ahead by one piece, which the thread pool does while the piece before it is hashed and sent; only while not too many
 * others do.
 */
class DiskPieces implements BlobPieces {
  readonly #options: DiskPiecesOptions;
  /** Of the next piece that is read. */
  #position: number;
  #ahead: Promise<Buffer> | undefined;
  #given: Buffer | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: DiskPiecesOptions) {
    this.#options = options;
    this.#position = options.start;
  }

  async next(): Promise<Buffer | undefined> {
    const { check, pool } = this.#options;
    // Who does not give pieces back keeps them.
    if (this.#given !== undefined) pool.forget(this.#given);
    const piece = await (this.#ahead ?? this.#readNext());
    this.#given = piece;
    this.#ahead = pool.isRoomy ? this.#readNext() : undefined;
    // Whoever asks for the next piece is told of a failure.
    this.#ahead?.catch(() => {});
    if (piece !== undefined) check?.add(piece);
    return piece;
  }

  recycle(piece: Buffer): void {
    this.#options.pool.giveBack(piece);
  }

  hashOfGiven(): Hash | undefined {
    return this.#options.check?.passed;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #readNext(): Promise<Buffer> | undefined {
    const { end, pool } = this.#options;
    if (this.#position === end || this.#closing !== undefined) return undefined;
    const position = this.#position;
    const piece = pool.take(Math.min(READ_CHUNK_BYTES, end - position));
    this.#position += piece.length;
    return this.#fill(piece, position);
  }

  async #fill(piece: Buffer, position: number): Promise<Buffer> {
    const { file, ref, pool, onFailure } = this.#options;
    try {
      const read = await file.read(piece, position);
      if (read === piece.length) return piece;
      throw corrupt(ref, `its file ends after ${position + read} bytes`);
    } catch (error) {
      pool.giveBack(piece);
      if (isReadFailing(error)) onFailure?.(error);
      throw toDiskError(error, `cannot read blob ${ref.namespace}/${ref.digest}`);
    }
  }

  async #close(): Promise<void> {
    // A descriptor must not be closed under a read that still uses it, nor its memory be lent again. What close says of a
    // file that was only read changes nothing for anyone.
    const ahead = await this.#ahead?.catch(() => undefined);
    if (ahead !== undefined) this.#options.pool.giveBack(ahead);
    if (this.#given !== undefined) this.#options.pool.forget(this.#given);
    await this.#options.file.close().catch(() => {});
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
