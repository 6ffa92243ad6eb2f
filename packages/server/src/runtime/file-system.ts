import fs from "node:fs";
import { promisify } from "node:util";

export interface FileStat {
  readonly sizeBytes: number;
  readonly isFile: boolean;
  readonly isFolder: boolean;
}

/** Room on a file system, as an ordinary user may use it. */
export interface FileSystemRoom {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Zero when the file system makes inodes as it needs them (btrfs, zfs). */
  readonly totalInodes: number;
  readonly freeInodes: number;
}

/** An open file. Whoever opened it closes it, once. */
export interface OpenFile {
  /** Appends all of the bytes at the file's position. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Fills `target` from `position` on; answers how many bytes there were: fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  stat(): Promise<FileStat>;
  /** fsync: bytes, size and every attribute are durable. On a folder: its names are. */
  sync(): Promise<void>;
  /** fdatasync: bytes and what is needed to read them back (size, extents) are durable; times may not be. */
  syncData(): Promise<void>;
  close(): Promise<void>;
}

/** `read` an existing file or folder; `create` a new file for writing, `EEXIST` when there is one. */
export type OpenMode = "read" | "create";

/**
 * The calls on the world of files that our stores make, and no more: each can be made to fail in a test. All reject
 * with Node's system errors (`code` is the errno's name).
 */
export interface FileSystem {
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  /** Replaces what stands under `to`. */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes one folder; `EEXIST` when there is one, `ENOENT` when its parent is missing. */
  mkdir(path: string): Promise<void>;
  readdir(path: string): Promise<string[]>;
  stat(path: string): Promise<FileStat>;
  statfs(path: string): Promise<FileSystemRoom>;
}

// Callbacks on bare descriptors: about half the JavaScript time of fs.promises and its FileHandle per small file.
const call = {
  open: promisify(fs.open),
  close: promisify(fs.close),
  fsync: promisify(fs.fsync),
  fdatasync: promisify(fs.fdatasync),
  fstat: promisify(fs.fstat),
};

class SystemFile implements OpenFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    let rest = chunks;
    while (rest.length > 0) rest = dropWritten(rest, await writeSome(this.#fd, rest));
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const bytes = await readSome(this.#fd, target.subarray(done), position + done);
      if (bytes === 0) break;
      done += bytes;
    }
    return done;
  }

  async stat(): Promise<FileStat> {
    return toFileStat(await call.fstat(this.#fd));
  }

  sync(): Promise<void> {
    return call.fsync(this.#fd);
  }

  syncData(): Promise<void> {
    return call.fdatasync(this.#fd);
  }

  close(): Promise<void> {
    return call.close(this.#fd);
  }
}

/** The real one. */
export const systemFileSystem: FileSystem = {
  open: async (path, mode) => new SystemFile(await call.open(path, mode === "create" ? "wx" : "r")),
  rename: promisify(fs.rename),
  unlink: promisify(fs.unlink),
  mkdir: (path) => fs.promises.mkdir(path),
  readdir: (path) => fs.promises.readdir(path),
  stat: async (path) => toFileStat(await fs.promises.stat(path)),
  statfs: async (path) => {
    const { bsize, blocks, bfree, bavail, files, ffree } = await fs.promises.statfs(path);
    // Blocks kept back for root are neither free nor used: what is left is what an ordinary user can fill.
    const totalBytes = (blocks - (bfree - bavail)) * bsize;
    return { totalBytes, freeBytes: bavail * bsize, totalInodes: files, freeInodes: ffree };
  },
};

function toFileStat(stat: fs.Stats): FileStat {
  return { sizeBytes: stat.size, isFile: stat.isFile(), isFolder: stat.isDirectory() };
}

function writeSome(fd: number, chunks: readonly Uint8Array[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const end = (error: Error | null, bytes: number) => (error ? reject(error) : resolve(bytes));
    const first = chunks[0];
    if (chunks.length === 1 && first !== undefined) fs.write(fd, first, 0, first.length, null, end);
    else fs.writev(fd, chunks, end);
  });
}

function readSome(fd: number, target: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const end = (error: Error | null, bytes: number) => (error ? reject(error) : resolve(bytes));
    fs.read(fd, target, 0, target.length, position, end);
  });
}

/** What is left of `chunks` after a write took its first `bytes` bytes. */
function dropWritten(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let left = bytes;
  for (const [index, chunk] of chunks.entries()) {
    if (left < chunk.length) return [chunk.subarray(left), ...chunks.slice(index + 1)];
    left -= chunk.length;
  }
  return [];
}
