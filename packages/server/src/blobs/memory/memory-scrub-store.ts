import { createHash } from "node:crypto";
import type { Reading } from "../../model/scrub-decision.js";
import { shardOf } from "../../model/folder-shard.js";
import type { BlobRef } from "../blob-store.js";
import type { PlacementWatch, ScrubbedStore, ShardStretch, StoredCopy } from "../scrubbed-store.js";

interface MemoryCopy extends StoredCopy {
  bytes: Buffer;
  /** The folder shard that it lies in. */
  readonly shard: number;
}

const STRETCH_SHARDS = 8_192;

/** Copies in memory that lie where a test puts them: for tests of what stands above a scrubbed store. */
export class MemoryScrubStore implements ScrubbedStore {
  readonly copies = new Map<string, MemoryCopy>();
  readonly quarantined: { ref: BlobRef; bytes: Buffer }[] = [];
  readonly distrusted: string[] = [];
  readonly #watches = new Set<{ readonly name: string; isPlaced: boolean }>();
  /** Runs before each reading. */
  beforeRead: (copy: StoredCopy) => void = () => {};
  #volumes: readonly string[];

  constructor(volumes: readonly string[] = ["one"]) {
    this.#volumes = volumes;
  }

  /** As a put does. */
  place(ref: BlobRef, bytes: Buffer, { volume = "one", shard = shardOf(ref.digest) } = {}): void {
    const path = `${volume}/${ref.namespace}/${shard}/${ref.digest}`;
    const isInPlace = shard === shardOf(ref.digest);
    const copy = { ref, volume, path, isInPlace, sizeBytes: bytes.length, modifiedMs: 0, bytes, shard };
    this.copies.set(path, copy);
    for (const watch of this.#watches) if (watch.name === nameOf(ref)) watch.isPlaced = true;
  }

  listVolumes(): readonly string[] {
    return this.#volumes.filter((volume) => !this.distrusted.includes(volume));
  }

  async listStretch(from: number): Promise<ShardStretch> {
    const to = Math.min(from + STRETCH_SHARDS, 65_536) - 1;
    const copies = [...this.copies.values()].filter(({ shard, volume }) => {
      return shard >= from && shard <= to && this.listVolumes().includes(volume);
    });
    return { to, copies };
  }

  async findInPlace(ref: BlobRef): Promise<StoredCopy[]> {
    return [...this.copies.values()].filter((copy) => copy.isInPlace && nameOf(copy.ref) === nameOf(ref));
  }

  async read(copies: readonly StoredCopy[], _bytesPerSecond: number, signal: AbortSignal): Promise<Reading[]> {
    return copies.map((copy) => this.#readOne(copy, signal));
  }

  #readOne(copy: StoredCopy, signal: AbortSignal): Reading {
    signal.throwIfAborted();
    this.beforeRead(copy);
    const found = this.copies.get(copy.path);
    if (found === undefined) return "gone";
    return createHash("sha256").update(found.bytes).digest("hex") === copy.ref.digest ? "good" : "bad";
  }

  watch(ref: BlobRef): PlacementWatch {
    const watch = { name: nameOf(ref), isPlaced: false };
    this.#watches.add(watch);
    return {
      get isPlaced() {
        return watch.isPlaced;
      },
      end: () => void this.#watches.delete(watch),
    };
  }

  /** Watches that were begun and not ended. */
  get openWatches(): number {
    return this.#watches.size;
  }

  async quarantine(copy: StoredCopy, watch: PlacementWatch): Promise<boolean> {
    const found = this.copies.get(copy.path);
    if (watch.isPlaced || found === undefined) return false;
    this.copies.delete(copy.path);
    this.quarantined.push({ ref: copy.ref, bytes: found.bytes });
    return true;
  }

  async putInPlace(copy: StoredCopy, ref: BlobRef, watch: PlacementWatch): Promise<boolean> {
    const found = this.copies.get(copy.path);
    if (watch.isPlaced || found === undefined || (await this.findInPlace(ref)).length > 0) return false;
    this.copies.delete(copy.path);
    this.place(ref, found.bytes, { volume: copy.volume });
    return true;
  }

  async remove(copy: StoredCopy, watch: PlacementWatch): Promise<boolean> {
    return !watch.isPlaced && this.copies.delete(copy.path);
  }

  async listQuarantined(): Promise<BlobRef[]> {
    return this.quarantined.map(({ ref }) => ref);
  }

  async removeQuarantined(ref: BlobRef): Promise<void> {
    const left = this.quarantined.filter((one) => nameOf(one.ref) !== nameOf(ref));
    this.quarantined.splice(0, this.quarantined.length, ...left);
  }

  distrust(volume: string): void {
    this.distrusted.push(volume);
  }
}

function nameOf({ namespace, digest }: BlobRef): string {
  return `${namespace}/${digest}`;
}
