import { createHash } from "node:crypto";
import type { FileSystem } from "../../../runtime/file-system.js";
import type { Clock } from "../../../runtime/clock.js";

/** The digest of a file's bytes and how many there are. */
export interface FileDigest {
  readonly digest: string;
  readonly sizeBytes: number;
}

/** Reads whole files. */
export interface FileDigester {
  /** No faster than at `bytesPerSecond`. Rejects with system errors, and when the signal fires. */
  digest(path: string, bytesPerSecond: number, signal: AbortSignal): Promise<FileDigest>;
  close(): Promise<void>;
}

/** Large enough that a disk reads in sequence, small enough to hold to a rate. */
const PIECE_BYTES = 1024 * 1024;

/** Reads through the files of a store, in this thread: for tests whose files are not the kernel's. */
export function createPlainDigester(files: FileSystem, clock: Clock): FileDigester {
  return {
    async digest(path, bytesPerSecond, signal) {
      const file = await files.open(path, "read");
      try {
        const hash = createHash("sha256");
        const piece = Buffer.allocUnsafe(PIECE_BYTES);
        let sizeBytes = 0;
        for (let read = piece.length; read === piece.length; ) {
          signal.throwIfAborted();
          read = await file.read(piece, sizeBytes);
          hash.update(piece.subarray(0, read));
          sizeBytes += read;
          if (Number.isFinite(bytesPerSecond)) await clock.sleep((read / bytesPerSecond) * 1000, signal);
        }
        return { digest: hash.digest("hex"), sizeBytes };
      } finally {
        await file.close();
      }
    },
    close: async () => {},
  };
}
