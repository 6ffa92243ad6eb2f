import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { KoboldError } from "@koboldfs/protocol";
import type { Sink } from "../transfer/sink.js";
import { DeviceSink } from "./device-sink.js";

/** Marks files that are not complete yet: `.koboldfs-part-PID-RANDOM`. */
const PART_PREFIX = ".koboldfs-part-";

/** Whether a file name is one of the unfinished ones that `createFileSink` makes. */
export function isPartName(name: string): boolean {
  return name.startsWith(PART_PREFIX);
}

/** A name for a file that this process has not finished. */
export function formatPartName(random: string): string {
  return `${PART_PREFIX}${process.pid}-${random}`;
}

/** The process that writes (or wrote) an unfinished file; undefined when the name tells none. */
export function findPartOwner(name: string): number | undefined {
  const pid = /^\.koboldfs-part-(\d+)-/.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/**
 * Writes beside `path` under another name and renames at the end, so that no half file is ever seen under `path`. A device
 * or a pipe that stands there is written into: a rename would put a file in the place of `/dev/null`.
 */
export async function createFileSink(path: string): Promise<Sink> {
  return (await isDevice(path)) ? new DeviceSink(path) : new FileSink(path);
}

/** Whether something stands there that is neither a file nor a folder. What cannot be looked at is told by the write. */
async function isDevice(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => !stats.isFile() && !stats.isDirectory(),
    () => false,
  );
}

/** What is written at once: a trip through the thread pool for each piece that arrives costs more than its copying. */
const WRITE_BYTES = 512 * 1024;

class FileSink implements Sink {
  readonly #path: string;
  readonly #partPath: string;
  #file: FileHandle | undefined;
  /** Arrived and not written yet, less than `WRITE_BYTES`. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(path: string) {
    this.#path = path;
    this.#partPath = join(dirname(path), formatPartName(randomBytes(6).toString("hex")));
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= WRITE_BYTES) await this.#guard(() => this.#flush());
  }

  async restart(): Promise<void> {
    this.#takeWaiting();
    await this.#guard(async () => {
      await this.#file?.close();
      this.#file = await open(this.#partPath, "w");
    });
  }

  async finish(): Promise<void> {
    await this.#guard(async () => {
      await this.#flush();
      await (await this.#open()).close();
      this.#file = undefined;
      await rename(this.#partPath, this.#path);
    });
  }

  async abandon(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    // Nothing better can be done with what is left; the failure that led here is the one to tell.
    await file?.close().catch(() => undefined);
    await unlink(this.#partPath).catch(() => undefined);
  }

  async #flush(): Promise<void> {
    const chunks = this.#takeWaiting();
    if (chunks.length === 0) return;
    const file = await this.#open();
    const { bytesWritten } = await file.writev(chunks);
    // A disk that is nearly full takes a part; what it says to the rest is the failure to tell.
    let passedBytes = 0;
    for (const chunk of chunks) {
      const written = Math.min(Math.max(bytesWritten - passedBytes, 0), chunk.length);
      passedBytes += chunk.length;
      if (written < chunk.length) await writeWhole(file, chunk.subarray(written));
    }
  }

  #takeWaiting(): Uint8Array[] {
    const chunks = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return chunks;
  }

  async #open(): Promise<FileHandle> {
    this.#file ??= await open(this.#partPath, "wx");
    return this.#file;
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `cannot write ${JSON.stringify(basename(this.#path))}: ${reason}`;
      throw new KoboldError("target_unwritable", message, { cause });
    }
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    written += (await file.write(bytes, written)).bytesWritten;
  }
}
