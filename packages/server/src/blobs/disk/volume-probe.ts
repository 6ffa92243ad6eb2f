import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { FileSystem } from "../../runtime/file-system.js";
import { isDiskFull, isMissing } from "./disk-error.js";
import { findVolumeRecord, type VolumeRecord } from "./volume-record.js";

export interface ProbedVolume {
  readonly files: FileSystem;
  readonly path: string;
  readonly record: VolumeRecord;
  /** Where a file may be made and removed. */
  readonly incoming: string;
}

/**
 * What keeps the volume from being used now, or undefined. A disk that is not mounted is an empty folder, and another
 * disk in its place is another volume; one that cannot be written is found by writing.
 */
export async function findVolumeTrouble(
  volume: ProbedVolume,
  { writes }: { writes: boolean },
): Promise<Error | undefined> {
  const { files, path, record, incoming } = volume;
  try {
    const found = await findVolumeRecord(files, path);
    if (found === undefined) return new Error(`${path} has no koboldfs.json: its disk is not mounted`);
    if (found.volume !== record.volume) return new Error(`${path} is another volume, ${found.volume}`);
    if (writes) await tryToWrite(files, incoming);
    return undefined;
  } catch (error) {
    if (isDiskFull(error)) return undefined;
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function tryToWrite(files: FileSystem, folder: string): Promise<void> {
  const path = join(folder, `probe-${randomBytes(8).toString("hex")}`);
  const file = await files.open(path, "create");
  try {
    await file.write([Buffer.from("can it be written?\n")]);
    await file.syncData();
  } finally {
    await file.close();
    await files.unlink(path).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }
}
