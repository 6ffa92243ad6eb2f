import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { KoboldError, type NodeId } from "@koboldfs/protocol";
import type { Clock } from "../../runtime/clock.js";
import { makeDurableFolder } from "../../runtime/durable-folder.js";
import { type FileSystem, systemFileSystem } from "../../runtime/file-system.js";
import type { Logger } from "../../runtime/logger.js";
import { errnoOf, toDiskError } from "./disk-error.js";
import { BLOBS_FOLDER, DiskVolume, INCOMING_FOLDER, UPLOADS_FOLDER } from "./disk-volume.js";
import { LOCK_FILE, lockVolume, type VolumeLock } from "./volume-lock.js";
import {
  findVolumeRecord,
  NEW_RECORD_FILE,
  newVolumeRecord,
  type VolumeRecord,
  writeVolumeRecord,
} from "./volume-record.js";
import { VolumeSet } from "./volume-set.js";

/** Names that a directory may hold and still be fresh: what mkfs makes, and what a first start that died left behind. */
const FRESH_NAMES = new Set(["lost+found", LOCK_FILE, `${LOCK_FILE}-journal`, NEW_RECORD_FILE]);

export interface OpenVolumesOptions {
  /** The node's data directories, at least one. A directory that does not exist is made. */
  readonly directories: readonly string[];
  readonly cluster: string;
  readonly node: NodeId;
  /** Ids of the volumes that the catalog knows of this node: each must be there, or nothing is opened. */
  readonly knownVolumes: readonly string[];
  /** Beginnings of names that the node itself may have put into a fresh directory before: an embedded catalog's. */
  readonly ownNames?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly files?: FileSystem;
  /** Takes a directory's lock; replaced in tests whose files are not the kernel's. */
  readonly lock?: (directory: string) => VolumeLock;
  /** 0-1; above this share of bytes or inodes a volume takes nothing new. */
  readonly maxUsedRatio?: number;
  /** Pieces of long blobs that are lent at once, for each volume. */
  readonly maxLent?: number;
}

/**
 * Opens all data directories of a node, or none. First everything is looked at without writing; only when nothing
 * speaks against it are fresh directories made into volumes, locks taken and leftovers of earlier runs removed.
 * Throws `volume_refused`, `volume_in_use`, `disk_failed`.
 */
export async function openDiskVolumes(options: OpenVolumesOptions): Promise<VolumeSet> {
  const files = options.files ?? systemFileSystem;
  const directories = options.directories.map((directory) => resolve(directory));
  if (directories.length === 0) throw new KoboldError("config_invalid", "a node needs at least one data directory");
  const records = [];
  for (const directory of directories) records.push(await inspect(files, directory, options));
  checkAllThere({ directories, records, known: options.knownVolumes });
  const volumes: DiskVolume[] = [];
  try {
    for (const directory of directories) volumes.push(await openOne(files, directory, options));
  } catch (error) {
    for (const volume of volumes) volume.close();
    throw toDiskError(error, "cannot open the data directories");
  }
  return new VolumeSet(volumes, options.logger);
}

/**
 * The records of data directories that are volumes already, in their order: how a starting node learns who it was.
 * Writes nothing. Throws `volume_refused`, `disk_failed`.
 */
export async function findVolumeRecords(
  directories: readonly string[],
  files: FileSystem = systemFileSystem,
): Promise<VolumeRecord[]> {
  const found = [];
  for (const directory of directories) found.push(await findVolumeRecord(files, directory));
  return found.filter((record) => record !== undefined);
}

/** The directory's record, or undefined when it is fresh. Throws `volume_refused`; writes nothing. */
async function inspect(
  files: FileSystem,
  directory: string,
  expected: { cluster: string; node: NodeId; ownNames?: readonly string[] },
): Promise<VolumeRecord | undefined> {
  const record = await findVolumeRecord(files, directory);
  if (record === undefined) {
    await checkFresh(files, directory, expected.ownNames ?? []);
    return undefined;
  }
  if (record.cluster !== expected.cluster) {
    throw refused(directory, `it belongs to cluster ${record.cluster}, this is ${expected.cluster}`);
  }
  if (record.node !== expected.node) {
    throw refused(directory, `it belongs to node ${record.node}, this is ${expected.node}`);
  }
  return record;
}

async function checkFresh(files: FileSystem, directory: string, ownNames: readonly string[]): Promise<void> {
  const names = await namesIn(files, directory);
  const foreign = names.find((name) => !FRESH_NAMES.has(name) && !ownNames.some((own) => name.startsWith(own)));
  if (foreign === undefined) return;
  throw refused(directory, `it is not empty (there is ${JSON.stringify(foreign)}) and has no koboldfs.json`);
}

async function namesIn(files: FileSystem, directory: string): Promise<string[]> {
  try {
    return await files.readdir(directory);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw refused(directory, "it cannot be listed", error);
  }
}

interface Inspected {
  readonly directories: readonly string[];
  readonly records: readonly (VolumeRecord | undefined)[];
  readonly known: readonly string[];
}

/** An unmounted disk is an empty directory: while a known volume is missing, no empty directory may become a new one. */
function checkAllThere({ directories, records, known }: Inspected): void {
  const found = records.map((record) => record?.volume);
  const twice = found.findIndex((id, index) => id !== undefined && found.indexOf(id) !== index);
  const again = directories.findIndex((directory, index) => directories.indexOf(directory) !== index);
  const second = Math.max(twice, again);
  if (second >= 0) throw refused(directories[second] ?? "", "it is given twice");
  const missing = known.filter((id) => !found.includes(id));
  if (missing.length === 0) return;
  const empty = directories.filter((_, index) => records[index] === undefined);
  const where = empty.length === 0 ? "every data directory given is another volume" : `${empty.join(", ")} is empty`;
  throw new KoboldError("volume_refused", `volume ${missing.join(", ")} of this node is not there; ${where}`);
}

async function openOne(files: FileSystem, directory: string, options: OpenVolumesOptions): Promise<DiskVolume> {
  await makeDurableFolder(files, directory);
  const relock = () => (options.lock ?? lockVolume)(directory);
  const lock = relock();
  try {
    // Looked at again under the lock: another process may have made it a volume meanwhile.
    const found = await inspect(files, directory, options);
    const { cluster, node } = options;
    const record = found ?? newVolumeRecord({ cluster, node, volume: randomBytes(8).toString("hex") });
    // First the record: what dies right after it left a volume, and not a directory full of something.
    if (found === undefined) await writeVolumeRecord(files, directory, record);
    await prepare(files, directory);
    const { clock, logger, maxUsedRatio, maxLent } = options;
    return new DiskVolume({ path: directory, record, lock, relock, files, clock, logger, maxUsedRatio, maxLent });
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The folders of a volume; what an earlier run left in `incoming/` goes: nobody can finish it any more. */
async function prepare(files: FileSystem, directory: string): Promise<void> {
  await makeDurableFolder(files, join(directory, BLOBS_FOLDER));
  await makeDurableFolder(files, join(directory, UPLOADS_FOLDER));
  const incoming = join(directory, INCOMING_FOLDER);
  await makeDurableFolder(files, incoming);
  for (const name of await files.readdir(incoming)) await files.unlink(join(incoming, name));
  // Also when all was there: whoever made it may have died before it was durable.
  await files.syncFolder(directory);
}

function refused(directory: string, why: string, cause?: unknown): KoboldError {
  return new KoboldError("volume_refused", `${directory} is refused: ${why}`, { cause });
}
