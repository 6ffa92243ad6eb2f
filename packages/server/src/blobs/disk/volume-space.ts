import { KoboldError } from "@koboldfs/protocol";
import type { Clock } from "../../runtime/clock.js";
import type { FileSystem, FileSystemRoom } from "../../runtime/file-system.js";

/** Above this share of bytes or inodes a volume takes nothing new: file systems slow down and break near their end. */
export const DEFAULT_MAX_USED_RATIO = 0.95;

/** How old an answer of statfs may be: one call a second costs nothing, and reservations cover what comes between. */
const MAX_AGE_MS = 1000;

/** Room promised to a write that announced its size and has not written it yet. */
export interface Reservation {
  /** The bytes reached the file system, whose own count now contains them. */
  used(bytes: number): void;
  /** Gives back what was not used. Idempotent. */
  release(): void;
}

/** How much a volume still takes. */
export class VolumeSpace {
  readonly #files: FileSystem;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #maxUsedRatio: number;
  #last: { readonly room: FileSystemRoom; readonly at: number } | undefined;
  #asking: Promise<FileSystemRoom> | undefined;
  #reservedBytes = 0;

  constructor(options: { files: FileSystem; path: string; clock: Clock; maxUsedRatio: number }) {
    this.#files = options.files;
    this.#path = options.path;
    this.#clock = options.clock;
    this.#maxUsedRatio = options.maxUsedRatio;
  }

  /** Bytes that may still come before the limit; zero or less when it is reached. Rejects with system errors. */
  async room(): Promise<number> {
    return bytesUnderLimit(await this.#look(), this.#maxUsedRatio) - this.#reservedBytes;
  }

  async total(): Promise<number> {
    return (await this.#look()).totalBytes;
  }

  /** Throws `disk_full` unless there is room for a blob of this size (unknown: for anything at all). */
  async check(sizeBytes = 0): Promise<void> {
    const room = await this.room();
    if (room > 0 && sizeBytes <= room) return;
    const left = Math.max(0, Math.floor(room));
    throw new KoboldError("disk_full", `${this.#path} takes ${left} bytes more, ${Math.max(sizeBytes, 1)} are needed`);
  }

  reserve(sizeBytes: number): Reservation {
    let left = sizeBytes;
    this.#reservedBytes += left;
    const give = (bytes: number) => {
      const back = Math.min(bytes, left);
      left -= back;
      this.#reservedBytes -= back;
    };
    return { used: give, release: () => give(left) };
  }

  async #look(): Promise<FileSystemRoom> {
    const last = this.#last;
    if (last !== undefined && this.#clock.monotonic() - last.at < MAX_AGE_MS) return last.room;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<FileSystemRoom> {
    const room = await this.#files.statfs(this.#path);
    this.#last = { room, at: this.#clock.monotonic() };
    return room;
  }
}

/** Zero when the inodes are at the limit, whatever bytes are left: a blob needs one. */
export function bytesUnderLimit(room: FileSystemRoom, maxUsedRatio: number): number {
  const usedInodes = room.totalInodes - room.freeInodes;
  if (room.totalInodes > 0 && usedInodes >= room.totalInodes * maxUsedRatio) return 0;
  const usedBytes = room.totalBytes - room.freeBytes;
  return room.totalBytes * maxUsedRatio - usedBytes;
}
