import { type FileHandle, open } from "node:fs/promises";
import { resolve } from "node:path";
import { type Digest, KoboldError } from "@koboldfs/protocol";
import { BytesBody, type SourceBody } from "../transfer/source-body.js";

/** Files up to this size are read whole: their digest can be announced, and they are sent in one piece. */
const WHOLE_BYTES = 1024 * 1024;
/** How much of a longer file is in memory at once. */
const CHUNK_BYTES = 128 * 1024;

/** A file that is open, with what shows whether it was written to since. */
interface OpenFile {
  readonly handle: FileHandle;
  readonly path: string;
  readonly sizeBytes: number;
  /** Nanoseconds. */
  readonly modified: bigint;
}

/** Throws `source_unreadable` when there is no such file, it is no regular file, or it may not be read. */
export async function openFileBody(path: string, hash: (bytes: Uint8Array) => string): Promise<SourceBody> {
  const file = await openRegular(path);
  if (file.sizeBytes > WHOLE_BYTES) return new FileBody(file);
  try {
    const bytes = Buffer.allocUnsafe(file.sizeBytes);
    await readFully(file, bytes, 0);
    await throwIfChanged(file);
    return new BytesBody(bytes, hash(bytes) as Digest);
  } finally {
    await file.handle.close();
  }
}

class FileBody implements SourceBody {
  readonly sizeBytes: number;
  readonly identity: string;
  readonly #file: OpenFile;

  constructor(file: OpenFile) {
    this.#file = file;
    this.sizeBytes = file.sizeBytes;
    this.identity = `${file.modified} ${resolve(file.path)}`;
  }

  read(): AsyncGenerator<Uint8Array> {
    return this.readFrom(0);
  }

  async *readFrom(start: number): AsyncGenerator<Uint8Array> {
    for (let position = start; position < this.sizeBytes; ) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, this.sizeBytes - position));
      await readFully(this.#file, chunk, position);
      position += chunk.length;
      // Before the last piece goes: without it the server has nothing complete, and names nothing.
      if (position === this.sizeBytes) await throwIfChanged(this.#file);
      yield chunk;
    }
  }

  close(): Promise<void> {
    return this.#file.handle.close();
  }
}

async function openRegular(path: string): Promise<OpenFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const stats = await handle.stat({ bigint: true });
    if (stats.isFile()) return { handle, path, sizeBytes: Number(stats.size), modified: stats.mtimeNs };
  } catch (cause) {
    await handle?.close();
    throw unreadable(path, cause);
  }
  await handle.close();
  throw unreadable(path, "it is not a regular file");
}

async function readFully(file: OpenFile, into: Buffer, position: number): Promise<void> {
  for (let filled = 0; filled < into.length; ) {
    const { bytesRead } = await readOnce(file, into.subarray(filled), position + filled);
    if (bytesRead === 0) throw changed(file.path);
    filled += bytesRead;
  }
}

async function readOnce(file: OpenFile, into: Buffer, position: number): Promise<{ bytesRead: number }> {
  try {
    return await file.handle.read(into, 0, into.length, position);
  } catch (cause) {
    throw unreadable(file.path, cause);
  }
}

async function throwIfChanged(file: OpenFile): Promise<void> {
  const { size, mtimeNs } = await file.handle.stat({ bigint: true });
  if (Number(size) !== file.sizeBytes || mtimeNs !== file.modified) throw changed(file.path);
}

function changed(path: string): KoboldError {
  return new KoboldError("source_changed", `${JSON.stringify(path)} changed while it was read`);
}

function unreadable(path: string, cause: unknown): KoboldError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new KoboldError("source_unreadable", `cannot read ${JSON.stringify(path)}: ${reason}`, { cause });
}
