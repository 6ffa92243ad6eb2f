import type { Reading } from "../model/scrub-decision.js";
import type { BlobRef } from "./blob-store.js";

/** One copy of a blob as it lies on a node: the name says which blob it should be, the place where it is. */
export interface StoredCopy {
  readonly ref: BlobRef;
  /** Id of the volume that it lies on. */
  readonly volume: string;
  /** For people; on one volume no two copies have the same. */
  readonly path: string;
  /** Whether it lies where its name says. */
  readonly isInPlace: boolean;
  readonly sizeBytes: number;
  /** When it was written, by the wall clock. */
  readonly modifiedMs: number;
}

/** What lies in a run of folder shards, all namespaces and volumes together. */
export interface ShardStretch {
  /** The last shard that was listed. */
  readonly to: number;
  readonly copies: readonly StoredCopy[];
}

/**
 * Tells whether anybody placed a blob here, or relied on its being here, since the watch began: what was seen of it before
 * says nothing then. Whoever begins a watch ends it.
 */
export interface PlacementWatch {
  readonly isPlaced: boolean;
  end(): void;
}

/**
 * A node's volumes as the scrub sees them. What changes something does so while nothing else can happen to the blob, and
 * answers false without having done anything when the watch says that it was placed meanwhile.
 */
export interface ScrubbedStore {
  /** Volumes that take part now. */
  listVolumes(): readonly string[];
  /**
   * Lists shards from `from` on, as many as make a good piece of work. Throws `disk_failed`: a folder that cannot be
   * read is no empty folder.
   */
  listStretch(from: number): Promise<ShardStretch>;
  /** The copies of a blob that lie where they should: one, or after a volume came back more. */
  findInPlace(ref: BlobRef): Promise<StoredCopy[]>;
  /** Reads all of each copy, no faster than at `bytesPerSecond`; answers in their order. Rejects when the signal fires. */
  read(copies: readonly StoredCopy[], bytesPerSecond: number, signal: AbortSignal): Promise<Reading[]>;
  watch(ref: BlobRef): PlacementWatch;
  /** Keeps the bytes, where nobody reads them as the blob; durable. */
  quarantine(copy: StoredCopy, watch: PlacementWatch): Promise<boolean>;
  /** Moves the copy to where its name says unless something is there; durable. */
  putInPlace(copy: StoredCopy, ref: BlobRef, watch: PlacementWatch): Promise<boolean>;
  /** Unlinks the copy. */
  remove(copy: StoredCopy, watch: PlacementWatch): Promise<boolean>;
  /** What is in quarantine. */
  listQuarantined(): Promise<BlobRef[]>;
  /** Unlinks what quarantine has of the blob. */
  removeQuarantined(ref: BlobRef): Promise<void>;
  /** Takes a volume out as a whole: its bytes cannot be believed. */
  distrust(volume: string, reason: string): void;
}
