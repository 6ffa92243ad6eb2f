import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { KoboldError, type NodeId } from "@koboldfs/protocol";
import type { BlobReader, BlobRef } from "../../blobs/blob-store.js";
import { blobPath } from "../../blobs/disk/blob-path.js";
import { DiskBlobLister } from "../../blobs/disk/disk-blob-lister.js";
import { PiecePool } from "../../blobs/piece-pool.js";
import { READ_CHUNK_BYTES } from "../../blobs/verified-bytes.js";
import { openBlobFile } from "../../blobs/disk/disk-read.js";
import { BLOBS_FOLDER } from "../../blobs/disk/disk-volume.js";
import { lockVolume, type VolumeLock } from "../../blobs/disk/volume-lock.js";
import { findVolumeRecord, type VolumeRecord } from "../../blobs/disk/volume-record.js";
import { StoredMirror } from "../../mirror/sqlite/stored-mirror.js";
import type { NodeInventory } from "../../recovery/copy-check.js";
import type { Clock } from "../../runtime/clock.js";
import { systemFileSystem } from "../../runtime/file-system.js";
import { type RecoveryGround, reasonOf, type UnusableSource } from "./recovery-ground.js";

export const MIRROR_FILE = "mirror.sqlite";

interface GivenVolume {
  readonly directory: string;
  readonly record: VolumeRecord;
}

export interface OfflineOptions {
  readonly directories: readonly string[];
  /** Read every blob and compare it with its name. */
  readonly verify: boolean;
  readonly clock: Clock;
}

/**
 * Data directories of nodes that do not run, and the mirrors in them. Nothing is written to them but SQLite's own files
 * beside a mirror. Throws `volume_refused`, `volume_in_use`, `rebuild_refused`.
 */
export async function openOfflineGround({ directories, verify, clock }: OfflineOptions): Promise<RecoveryGround> {
  const volumes: GivenVolume[] = [];
  for (const directory of directories.map((given) => resolve(given))) volumes.push(await findVolume(directory));
  const clusterId = theOnlyCluster(volumes);
  const locks: VolumeLock[] = [];
  const mirrors: { name: string; mirror: StoredMirror }[] = [];
  const unusable: UnusableSource[] = [];
  const close = async () => {
    for (const { mirror } of mirrors) await mirror.close();
    for (const lock of locks) lock.release();
  };
  try {
    for (const { directory } of volumes) {
      locks.push(lockVolume(directory));
      const path = join(directory, MIRROR_FILE);
      if (!existsSync(path)) continue;
      try {
        mirrors.push({ name: directory, mirror: await openMirror(path, clusterId, clock) });
      } catch (error) {
        unusable.push({ name: directory, reason: reasonOf(error) });
      }
    }
    if (mirrors.length === 0) {
      const why = unusable.map(({ reason }) => reason).join("; ") || `there is no ${MIRROR_FILE}`;
      throw new KoboldError("rebuild_refused", `no mirror is in the data directories: ${why}`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const sources = mirrors.map(({ name, mirror }) => ({ name, mirror, listBranches: () => mirror.listBranches() }));
  return { clusterId, sources, inventories: groupByNode(volumes, verify), unusable, close };
}

async function findVolume(directory: string): Promise<GivenVolume> {
  const record = await findVolumeRecord(systemFileSystem, directory);
  if (record === undefined) throw new KoboldError("volume_refused", `${directory} has no koboldfs.json`);
  return { directory, record };
}

function theOnlyCluster(volumes: readonly GivenVolume[]): string {
  const [first] = volumes;
  if (first === undefined) throw new KoboldError("config_invalid", "give at least one data directory");
  const { cluster } = first.record;
  const other = volumes.find(({ record }) => record.cluster !== cluster);
  if (other === undefined) return cluster;
  const text = `${first.directory} belongs to cluster ${cluster}, ${other.directory} to ${other.record.cluster}`;
  throw new KoboldError("rebuild_refused", text);
}

async function openMirror(path: string, clusterId: string, clock: Clock): Promise<StoredMirror> {
  const mirror = await StoredMirror.open(path, clock);
  if (mirror.clusterId === clusterId) return mirror;
  await mirror.close();
  throw new KoboldError("mirror_refused", `${path} mirrors cluster ${mirror.clusterId}`);
}

function groupByNode(volumes: readonly GivenVolume[], verify: boolean): NodeInventory[] {
  const byNode = new Map<NodeId, GivenVolume[]>();
  for (const volume of volumes) {
    const { node } = volume.record;
    byNode.set(node, [...(byNode.get(node) ?? []), volume]);
  }
  return [...byNode].map(([node, own]) => {
    const roots = own.map(({ directory }) => join(directory, BLOBS_FOLDER));
    const pool = new PiecePool(READ_CHUNK_BYTES);
    const open: BlobReader["open"] = async (ref) => {
      for (const root of roots) {
        const blob = await openBlobFile(systemFileSystem, { ref, path: blobPath(root, ref), pool });
        if (blob !== undefined) return blob;
      }
      return undefined;
    };
    return {
      ...{ node, lister: new DiskBlobLister(systemFileSystem, roots) },
      volumes: own.map(({ record }) => record.volume),
      ...(verify && { verify: (ref: BlobRef) => isGood({ open }, ref) }),
    };
  });
}

/** Reads the blob to its end; reading checks it. */
export async function isGood(store: BlobReader, ref: BlobRef): Promise<boolean> {
  try {
    const blob = await store.open(ref);
    if (blob === undefined) return false;
    if (blob.content instanceof Readable) for await (const _ of blob.content);
    return true;
  } catch (error) {
    if (error instanceof KoboldError && ["blob_corrupt", "disk_failed"].includes(error.code)) return false;
    throw error;
  }
}
