import { dirname } from "node:path";
import type { Reading } from "../../../model/scrub-decision.js";
import type { BlobRef } from "../../blob-store.js";
import type { PlacementWatch, ScrubbedStore, ShardStretch, StoredCopy } from "../../scrubbed-store.js";
import { isMissing, toDiskError } from "../disk-error.js";
import type { DiskVolume } from "../disk-volume.js";
import type { VolumeSet } from "../volume-set.js";
import { findCopy } from "./list-shards.js";
import type { FileReading, ShardReader } from "./shard-reader.js";

/** A node's volumes as the scrub sees them. */
export class DiskScrubStore implements ScrubbedStore {
  readonly #set: VolumeSet;
  readonly #reader: ShardReader;

  constructor(set: VolumeSet, reader: ShardReader) {
    this.#set = set;
    this.#reader = reader;
  }

  listVolumes(): readonly string[] {
    return this.#set.inService.map(({ id }) => id);
  }

  async listStretch(from: number): Promise<ShardStretch> {
    const volumes = this.#set.inService;
    try {
      return await this.#reader.listStretch(volumes, from);
    } catch (error) {
      // Whichever it was finds out when it is looked at.
      for (const volume of volumes) await volume.check({ writes: false });
      throw error;
    }
  }

  async findInPlace(ref: BlobRef): Promise<StoredCopy[]> {
    const copies = [];
    for (const volume of this.#set.inService) copies.push(await findCopy(volume, ref));
    return copies.filter((copy) => copy !== undefined);
  }

  async read(copies: readonly StoredCopy[], bytesPerSecond: number, signal: AbortSignal): Promise<Reading[]> {
    const paths = copies.map(({ path }) => path);
    const readings = await this.#reader.digest(paths, bytesPerSecond, signal);
    return copies.map((copy, index) => this.#judge(copy, readings[index]));
  }

  #judge(copy: StoredCopy, reading: FileReading | undefined): Reading {
    if (reading === undefined) throw new Error(`${copy.path} was not read`);
    if ("digest" in reading) return reading.digest === copy.ref.digest ? "good" : "bad";
    if (isMissing(reading.error)) return "gone";
    this.#volumeOf(copy).failedRead(reading.error);
    return "unreadable";
  }

  watch(ref: BlobRef): PlacementWatch {
    return this.#set.watch(ref);
  }

  quarantine(copy: StoredCopy, watch: PlacementWatch): Promise<boolean> {
    return this.#change(copy, { lock: copy.ref, watch }, async (volume) => {
      await volume.quarantine.keep(copy.path, copy.ref);
      await volume.files.syncFolder(dirname(copy.path));
    });
  }

  async putInPlace(copy: StoredCopy, ref: BlobRef, watch: PlacementWatch): Promise<boolean> {
    let isPlaced = false;
    const isDone = await this.#change(copy, { lock: ref, watch }, async (volume) => {
      if ((await this.findInPlace(ref)).length > 0) return;
      await volume.adopt(copy.path, ref);
      this.#set.moved(ref);
      isPlaced = true;
    });
    return isDone && isPlaced;
  }

  remove(copy: StoredCopy, watch: PlacementWatch): Promise<boolean> {
    return this.#change(copy, { lock: copy.ref, watch }, (volume) => volume.files.unlink(copy.path));
  }

  async listQuarantined(): Promise<BlobRef[]> {
    const all = [];
    for (const volume of this.#set.inService) all.push(...(await volume.quarantine.list()));
    return all;
  }

  async removeQuarantined(ref: BlobRef): Promise<void> {
    for (const volume of this.#set.inService) await volume.quarantine.remove(ref);
  }

  distrust(volume: string, reason: string): void {
    this.#set.volumes.find(({ id }) => id === volume)?.distrust(reason);
  }

  /** Does something while nothing else can happen to the blob; false when that was placed, or the copy is gone. */
  #change(
    copy: StoredCopy,
    { lock, watch }: { lock: BlobRef; watch: PlacementWatch },
    action: (volume: DiskVolume) => Promise<void>,
  ): Promise<boolean> {
    return this.#set.exclusively(lock, async () => {
      if (watch.isPlaced) return false;
      try {
        await action(this.#volumeOf(copy));
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
        throw toDiskError(error, `cannot change ${copy.path}`);
      }
    });
  }

  #volumeOf({ volume: id }: StoredCopy): DiskVolume {
    const volume = this.#set.volumes.find((one) => one.id === id);
    if (volume === undefined) throw new Error(`there is no volume ${id}`);
    return volume;
  }
}
