import fs from "node:fs";
import { promisify } from "node:util";

export interface FileStat {
  readonly sizeBytes: number;
  readonly isFile: boolean;
  readonly isFolder: boolean;
  /** When its bytes were changed last, by the wall clock. */
  readonly modifiedMs: number;
}

/** Room on a file system, as an ordinary user may use it. */
export interface FileSystemRoom {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Zero when the file system makes inodes as it needs them (btrfs, zfs). */
  readonly totalInodes: number;
  readonly freeInodes: number;
}

/** An open file, never a folder. Whoever opened it closes it, once. */
export interface OpenFile {
  /** Appends all of the bytes at the file's position, which is its end unless it was just created. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Fills `target` from `position` on; answers how many bytes there were: fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  stat(): Promise<FileStat>;
  /** Cuts the file off behind this many bytes. Only for one that was opened to be written. */
  truncate(sizeBytes: number): Promise<void>;
  /** fdatasync: bytes and what is needed to read them back (size, extents) are durable; times may not be. */
  syncData(): Promise<void>;
  close(): Promise<void>;
}

/** `read` an existing file; `append` to one; `create` a new one for writing, `EEXIST` when there is one. */
export type OpenMode = "read" | "append" | "create";

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
  /** fsync of a folder: what names it has and has no more is durable. */
  syncFolder(path: string): Promise<void>;
  readdir(path: string): Promise<string[]>;
  /** Undefined when there is nothing of that name: the common answer on the way of a put, and an error costs 20 µs. */
  findStat(path: string): Promise<FileStat | undefined>;
  statfs(path: string): Promise<FileSystemRoom>;
}

/*
 * A trip to the thread pool wakes two threads and costs the event loop some 20 to 100 µs, more than most calls take; and
 * it waits behind the fsyncs that fill the pool. So what only changes the kernel's memory is done at once: creating,
 * renaming, a small write, a folder. What waits for the disk by its nature goes to the pool: flushes, reads, large
 * writes, unlinking. A disk that hangs altogether thus stops the event loop too, and the peers see a node that is gone,
 * which is what it is. The calls use callbacks on bare descriptors, which take half the JavaScript time of fs.promises.
 */
const call = {
  open: promisify(fs.open),
  close: promisify(fs.close),
  fsync: promisify(fs.fsync),
  fdatasync: promisify(fs.fdatasync),
  ftruncate: promisify(fs.ftruncate),
  statfs: promisify(fs.statfs),
};

/** A write of this much copies into the page cache in less time than a trip to the pool takes. */
const WRITE_AT_ONCE_BYTES = 128 * 1024;

/** Closing may free the blocks of a file that was unlinked meanwhile; of a file up to this size that takes no time. */
const CLOSE_AT_ONCE_BYTES = 1024 * 1024;

class SystemFile implements OpenFile {
  readonly #fd: number;
  #sizeBytes = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    let rest = chunks;
    const isSmall = lengthOf(chunks) <= WRITE_AT_ONCE_BYTES;
    while (rest.length > 0) {
      const bytes = isSmall ? fs.writevSync(this.#fd, rest) : await writeSome(this.#fd, rest);
      this.#sizeBytes += bytes;
      rest = dropWritten(rest, bytes);
    }
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
    const stat = toFileStat(fs.fstatSync(this.#fd));
    this.#sizeBytes = stat.sizeBytes;
    return stat;
  }

  async truncate(sizeBytes: number): Promise<void> {
    await call.ftruncate(this.#fd, sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  syncData(): Promise<void> {
    return call.fdatasync(this.#fd);
  }

  async close(): Promise<void> {
    if (this.#sizeBytes <= CLOSE_AT_ONCE_BYTES) fs.closeSync(this.#fd);
    else await call.close(this.#fd);
  }
}

/** What open(2) is told. `append` makes no file: whoever means to go on with one wants to hear that it is gone. */
const OPEN_FLAGS: Readonly<Record<OpenMode, string | number>> = {
  read: "r",
  append: fs.constants.O_WRONLY | fs.constants.O_APPEND,
  create: "wx",
};

/** The real one. */
export const systemFileSystem: FileSystem = {
  open: async (path, mode) => {
    const flags = OPEN_FLAGS[mode];
    return new SystemFile(mode === "create" ? fs.openSync(path, flags) : await call.open(path, flags));
  },
  rename: async (from, to) => fs.renameSync(from, to),
  unlink: promisify(fs.unlink),
  mkdir: async (path) => fs.mkdirSync(path),
  syncFolder: async (path) => {
    const fd = fs.openSync(path, "r");
    try {
      await call.fsync(fd);
    } finally {
      fs.closeSync(fd);
    }
  },
  readdir: (path) => fs.promises.readdir(path),
  findStat: async (path) => {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    return stat && toFileStat(stat);
  },
  statfs: async (path) => {
    const { bsize, blocks, bfree, bavail, files, ffree } = await call.statfs(path);
    // Blocks kept back for root are neither free nor used: what is left is what an ordinary user can fill.
    const totalBytes = (blocks - (bfree - bavail)) * bsize;
    return { totalBytes, freeBytes: bavail * bsize, totalInodes: files, freeInodes: ffree };
  },
};

function toFileStat(stat: fs.Stats): FileStat {
  return {
    sizeBytes: stat.size,
    isFile: stat.isFile(),
    isFolder: stat.isDirectory(),
    modifiedMs: stat.mtimeMs,
  };
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

function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
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
