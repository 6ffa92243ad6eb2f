import { KoboldError, type NamespaceName, type VolumeInfo } from "@koboldfs/protocol";
import type { Logger } from "../../runtime/logger.js";
import type { PlacementWatch } from "../scrubbed-store.js";
import type {
  BlobLocator,
  BlobPlace,
  BlobRef,
  BlobStore,
  BlobWrite,
  BlobWriteOptions,
  ByteRange,
  OpenBlob,
} from "../blob-store.js";
import type { DiskVolume } from "./disk-volume.js";
import { KeyedLock } from "./keyed-lock.js";

/** The volumes of a node as one store. Each blob is on one of them; a new one goes where most space is. */
export class VolumeSet implements BlobStore, BlobLocator {
  readonly volumes: readonly DiskVolume[];
  readonly #logger: Logger;
  readonly #publishing = new KeyedLock();
  #onPlaced: (ref: BlobRef) => void = () => {};
  /** Watches of blobs that are being looked at. */
  readonly #watches = new Map<string, Set<{ isPlaced: boolean }>>();
  /** Counts blobs that moved from one volume to another: a reader that found nothing meanwhile looks again. */
  #moves = 0;

  constructor(volumes: readonly DiskVolume[], logger: Logger) {
    this.volumes = volumes;
    this.#logger = logger;
  }

  /** Those that take part now. */
  get inService(): readonly DiskVolume[] {
    return this.volumes.filter((volume) => !volume.isSuspect);
  }

  get volumeIds(): string[] {
    return this.volumes.map((volume) => volume.id);
  }

  /** A volume that is out is read as a last resort. */
  async open(ref: BlobRef, range?: ByteRange, signal?: AbortSignal): Promise<OpenBlob | undefined> {
    const look = (volume: DiskVolume) => volume.open(ref, range, signal);
    return (await this.#lookThrough(look)) ?? this.#lookAtLast(look, signal);
  }

  async stat(ref: BlobRef, signal?: AbortSignal): Promise<{ sizeBytes: number } | undefined> {
    const look = (volume: DiskVolume) => volume.stat(ref, signal);
    return (await this.#lookThrough(look)) ?? this.#lookAtLast(look, signal);
  }

  /** The same store without the volumes that are out: what lies on those only is not counted as being here. */
  get steady(): BlobStore {
    return {
      open: (ref, range, signal) => this.#lookThrough((volume) => volume.open(ref, range, signal)),
      stat: (ref, signal) => this.#lookThrough((volume) => volume.stat(ref, signal)),
      create: (namespace, announced, signal) => this.create(namespace, announced, signal),
    };
  }

  async locate(ref: BlobRef): Promise<BlobPlace | undefined> {
    return this.#lookThrough(async (volume) => {
      const place = await volume.locate(ref);
      return place && { ...place, volume: this.volumes.indexOf(volume) };
    });
  }

  async create(namespace: NamespaceName, announced: BlobWriteOptions = {}, signal?: AbortSignal): Promise<BlobWrite> {
    const volume = await this.#roomiest();
    const published = async (ref: BlobRef) => {
      this.#placed(ref);
      await this.#removeElsewhere(ref, volume);
    };
    return volume.begin({ namespace, announced, signal, publishing: { publishing: this.#publishing, published } });
  }

  /** Bytes that the set still takes, and what its volumes can hold in all. A volume that fails counts as nothing. */
  async room(): Promise<{ freeBytes: number; totalBytes: number }> {
    const rooms = await this.#rooms();
    return {
      freeBytes: rooms.reduce((sum, room) => sum + room.freeBytes, 0),
      totalBytes: rooms.reduce((sum, room) => sum + room.totalBytes, 0),
    };
  }

  /** Each volume's state, for operators. */
  async describe(): Promise<VolumeInfo[]> {
    const rooms = await this.#rooms();
    return rooms.map(({ volume, freeBytes, totalBytes }) => ({ ...volume.describe(freeBytes), freeBytes, totalBytes }));
  }

  /** Unlinks the blob wherever it is; false when it was nowhere. */
  remove(ref: BlobRef): Promise<boolean> {
    return this.#publishing.run(`${ref.namespace}/${ref.digest}`, async () => {
      const removed = [];
      for (const volume of this.volumes) removed.push(await volume.remove(ref));
      return removed.includes(true);
    });
  }

  /** Tells of each placement while nothing else can happen to its blob. For one listener: who removes blobs. */
  watchPlacements(onPlaced: (ref: BlobRef) => void): void {
    this.#onPlaced = onPlaced;
  }

  /** Counts as a placement, of a blob that is here already: whoever will rely on its bytes says so first. */
  rely(ref: BlobRef): Promise<void> {
    return this.exclusively(ref, async () => this.#placed(ref));
  }

  /** Runs the action while nothing else can happen to the blob: nobody places, removes or moves it. */
  exclusively<T>(ref: BlobRef, action: () => Promise<T>): Promise<T> {
    return this.#publishing.run(`${ref.namespace}/${ref.digest}`, action);
  }

  /** Whether the blob is placed, or relied on, from now on. */
  watch(ref: BlobRef): PlacementWatch {
    const name = `${ref.namespace}/${ref.digest}`;
    const state = { isPlaced: false };
    const all = this.#watches.get(name) ?? new Set();
    this.#watches.set(name, all.add(state));
    return {
      get isPlaced() {
        return state.isPlaced;
      },
      end: () => {
        all.delete(state);
        if (all.size === 0) this.#watches.delete(name);
      },
    };
  }

  /** A copy of the blob came to where it belongs, from elsewhere on the same volume. */
  moved(ref: BlobRef): void {
    this.#moves += 1;
    this.#onPlaced(ref);
  }

  /**
   * Unlinks the blob unless `isWanted`, asked when nothing else can happen to it, says no. False: then it is kept.
   * Throws `disk_failed` when it must be durable and a volume is out: nobody knows then what comes back with it.
   */
  removeIf(ref: BlobRef, isWanted: () => boolean, options: { isDurable?: boolean } = {}): Promise<boolean> {
    return this.#publishing.run(`${ref.namespace}/${ref.digest}`, async () => {
      if (!isWanted()) return false;
      if (options.isDurable !== true) {
        for (const volume of this.inService) await volume.remove(ref);
        return true;
      }
      for (const volume of this.volumes) {
        await volume.checkPresent();
        await volume.remove(ref);
        await volume.syncRemoval(ref);
        await volume.quarantine.remove(ref);
      }
      return true;
    });
  }

  /** Everything that lies on the volumes, one folder shard after the other. */
  async *walkShards(): AsyncGenerator<BlobRef[]> {
    for (const volume of this.inService) yield* volume.walkShards();
  }

  /** Lets other processes open the directories. */
  close(): void {
    for (const volume of this.volumes) volume.close();
  }

  #placed(ref: BlobRef): void {
    this.#onPlaced(ref);
    for (const watch of this.#watches.get(`${ref.namespace}/${ref.digest}`) ?? []) watch.isPlaced = true;
  }

  async #rooms(): Promise<{ volume: DiskVolume; freeBytes: number; totalBytes: number }[]> {
    return Promise.all(
      this.volumes.map(async (volume) => {
        try {
          return { volume, ...(await volume.room()) };
        } catch (error) {
          this.#logger.warn(
            { event: "volume_unreadable", volume: volume.path, err: error },
            "a volume does not answer",
          );
          return { volume, freeBytes: 0, totalBytes: 0 };
        }
      }),
    );
  }

  async #roomiest(): Promise<DiskVolume> {
    const [only] = this.volumes;
    if (this.volumes.length === 1 && only !== undefined) return only;
    const rooms = (await this.#rooms()).filter(({ volume }) => !volume.isSuspect);
    const [best] = rooms.sort((a, b) => b.freeBytes - a.freeBytes);
    if (best === undefined) throw new KoboldError("disk_failed", "every volume of this node failed earlier");
    return best.volume;
  }

  /** A good volume's answer goes before another one's error; the error is told when no volume has an answer. */
  async #lookThrough<T>(look: (volume: DiskVolume) => Promise<T | undefined>): Promise<T | undefined> {
    for (;;) {
      const moves = this.#moves;
      const failures: unknown[] = [];
      for (const volume of this.inService) {
        try {
          const found = await look(volume);
          if (found !== undefined) return found;
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
      if (moves === this.#moves) return undefined;
    }
  }

  /** A failure of a volume that is out says nothing new. */
  async #lookAtLast<T>(
    look: (volume: DiskVolume) => Promise<T | undefined>,
    signal: AbortSignal | undefined,
  ): Promise<T | undefined> {
    for (const volume of this.volumes.filter(({ isSuspect }) => isSuspect)) {
      const found = await look(volume).catch(() => undefined);
      signal?.throwIfAborted();
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Called when `ref` is durable on `home`: copies on other volumes are older ones, never trusted, and go. */
  async #removeElsewhere(ref: BlobRef, home: DiskVolume): Promise<void> {
    // What a volume that is out has is found twice when it comes back, and the scrub removes one.
    for (const volume of this.inService) {
      if (volume === home) continue;
      try {
        if (await volume.remove(ref)) this.#moves += 1;
      } catch (error) {
        this.#logger.warn({ event: "blob_cleanup_failed", volume: volume.path, err: error }, "an old copy stays");
      }
    }
  }
}
