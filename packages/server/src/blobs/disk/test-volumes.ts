import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeId } from "@koboldfs/protocol";
import { systemClock } from "../../runtime/clock.js";
import type { FileSystem } from "../../runtime/file-system.js";
import { silentLogger } from "../../runtime/logger.js";
import type { BlobRef } from "../blob-store.js";
import { blobPath } from "./blob-path.js";
import { type OpenVolumesOptions, openDiskVolumes } from "./open-volumes.js";
import type { VolumeSet } from "./volume-set.js";

export const CLUSTER = "0123456789abcdef0123456789abcdef";
export const NODE = "00112233aabbccdd" as NodeId;

/** Volumes in a folder of their own, for tests. */
export interface MadeVolumes {
  readonly folder: string;
  readonly directories: readonly string[];
  readonly set: VolumeSet;
  damage(ref: BlobRef, bytes: Uint8Array): Promise<void>;
  leftovers(): Promise<string[]>;
  close(): Promise<void>;
}

/** What `openDiskVolumes` is told in tests unless they say otherwise. */
export function openOptions(directories: readonly string[], files?: FileSystem): OpenVolumesOptions {
  return {
    directories,
    cluster: CLUSTER,
    node: NODE,
    knownVolumes: [],
    clock: systemClock,
    logger: silentLogger,
    // A full disk of the machine that runs the tests is not what they are about.
    maxUsedRatio: 1,
    ...(files !== undefined && { files }),
  };
}

export async function makeVolumes(options: { count: number; files?: FileSystem }): Promise<MadeVolumes> {
  const folder = await mkdtemp(join(tmpdir(), "koboldfs-volumes-"));
  const directories = Array.from({ length: options.count }, (_, index) => join(folder, `disk${index}`));
  const set = await openDiskVolumes(openOptions(directories, options.files));
  return {
    folder,
    directories,
    set,
    damage: async (ref, bytes) => {
      for (const path of await pathsOf(directories, ref)) await writeFile(path, bytes);
    },
    leftovers: async () => (await Promise.all(directories.map((one) => readdir(join(one, "incoming"))))).flat(),
    close: async () => {
      set.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The blob's files on the volumes that have it. */
export async function pathsOf(directories: readonly string[], ref: BlobRef): Promise<string[]> {
  const paths = directories.map((directory) => blobPath(join(directory, "blobs"), ref));
  const found = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        () => [path],
        () => [],
      ),
    ),
  );
  return found.flat();
}
