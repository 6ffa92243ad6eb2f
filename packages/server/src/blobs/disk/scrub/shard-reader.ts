import { createHash } from "node:crypto";
import type { Clock } from "../../../runtime/clock.js";
import type { FileSystem } from "../../../runtime/file-system.js";
import type { ShardStretch } from "../../scrubbed-store.js";
import { type ListedVolume, listStretch } from "./list-shards.js";

/** A volume's id and its blob folder. */
export type VolumeFolder = Pick<ListedVolume, "id" | "root">;

/** The digest of a file's bytes, or the system's error. */
export type FileReading = { readonly digest: string } | { readonly error: Error };

/** Lists and reads what lies in folder shards. */
export interface ShardReader {
  /** As `ScrubbedStore.listStretch`, of these volumes. */
  listStretch(volumes: readonly VolumeFolder[], from: number): Promise<ShardStretch>;
  /** Reads whole files, one after the other, no faster than at `bytesPerSecond`. Rejects when the signal fires. */
  digest(paths: readonly string[], bytesPerSecond: number, signal: AbortSignal): Promise<readonly FileReading[]>;
  close(): Promise<void>;
}

/** Large enough that a disk reads in sequence, small enough to hold to a rate. */
const PIECE_BYTES = 1024 * 1024;

/** Reads through the files of a store, in this thread: for tests whose files are not the kernel's. */
export function createPlainReader(files: FileSystem, clock: Clock): ShardReader {
  const digestFile = async (path: string, bytesPerSecond: number, signal: AbortSignal): Promise<string> => {
    const file = await files.open(path, "read");
    try {
      const hash = createHash("sha256");
      const piece = Buffer.allocUnsafe(PIECE_BYTES);
      let position = 0;
      for (let read = piece.length; read === piece.length; ) {
        signal.throwIfAborted();
        read = await file.read(piece, position);
        hash.update(piece.subarray(0, read));
        position += read;
        if (Number.isFinite(bytesPerSecond)) await clock.sleep((read / bytesPerSecond) * 1000, signal);
      }
      return hash.digest("hex");
    } finally {
      await file.close();
    }
  };
  return {
    listStretch: (volumes, from) => listStretch(volumes, from, files),
    async digest(paths, bytesPerSecond, signal) {
      const readings: FileReading[] = [];
      for (const path of paths) {
        try {
          readings.push({ digest: await digestFile(path, bytesPerSecond, signal) });
        } catch (error) {
          signal.throwIfAborted();
          readings.push({ error: error as Error });
        }
      }
      return readings;
    },
    close: async () => {},
  };
}
