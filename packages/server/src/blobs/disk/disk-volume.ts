import { dirname, join } from "node:path";
import type { NamespaceName, VolumeInfo } from "@koboldfs/protocol";
import type { Clock } from "../../runtime/clock.js";
import { crashPoint } from "../../runtime/crash-points.js";
import type { FileSystem } from "../../runtime/file-system.js";
import type { Logger } from "../../runtime/logger.js";
import type { BlobRef, BlobStore, BlobWrite, BlobWriteOptions, ByteRange, OpenBlob } from "../blob-store.js";
import { GuardedWrite } from "../guarded-write.js";
import { blobFolders, blobPath } from "./blob-path.js";
import { isDeviceFailing, isMissing, isReadFailing, toDiskError } from "./disk-error.js";
import { PiecePool } from "../piece-pool.js";
import { READ_CHUNK_BYTES } from "../verified-bytes.js";
import { openBlobFile, statBlobFile } from "./disk-read.js";
import { DiskWrite, type WriteGround } from "./disk-write.js";
import { DurableFolders } from "./durable-folders.js";
import { KeyedLock } from "./keyed-lock.js";
import { UploadFolder } from "./uploads/upload-folder.js";
import { QuarantineFolder } from "./scrub/quarantine-folder.js";
import { walkShards } from "./shard-walk.js";
import { UnsyncedBytes } from "./unsynced-bytes.js";
import { VolumeHealth } from "./volume-health.js";
import { findVolumeTrouble } from "./volume-probe.js";
import type { VolumeLock } from "./volume-lock.js";
import type { VolumeRecord } from "./volume-record.js";
import { DEFAULT_MAX_USED_RATIO, VolumeSpace } from "./volume-space.js";

export const BLOBS_FOLDER = "blobs";
export const INCOMING_FOLDER = "incoming";
export const QUARANTINE_FOLDER = "quarantine";
export const UPLOADS_FOLDER = "uploads";

export interface DiskVolumeOptions {
  /** The data directory, prepared and locked by `openDiskVolumes`. */
  readonly path: string;
  readonly record: VolumeRecord;
  readonly lock: VolumeLock;
  /** Takes the lock anew, once it was released: for a volume that was away. */
  readonly relock: () => VolumeLock;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0-1; above this share of bytes or inodes nothing new is taken. */
  readonly maxUsedRatio?: number | undefined;
  /** Pieces of long blobs that are lent at once. */
  readonly maxLent?: number | undefined;
}

/** Who else has to agree when a blob appears: a set of volumes keeps each blob on one of them. */
export type Publishing = Pick<WriteGround, "publishing" | "published">;

/** One data directory: plain files under `blobs/`, durable when a write has finished. */
export class DiskVolume implements BlobStore {
  readonly id: string;
  readonly path: string;
  /** What arrived of files that are sent in pieces. */
  readonly uploads: UploadFolder;
  /** Bytes that are bad and kept. */
  readonly quarantine: QuarantineFolder;
  readonly files: FileSystem;
  /** The blob folder. */
  readonly root: string;
  readonly #options: DiskVolumeOptions;
  readonly #space: VolumeSpace;
  readonly #health: VolumeHealth;
  readonly #ground: WriteGround;
  readonly #pool: PiecePool;
  #lock: VolumeLock;
  #names = 0;
  #onReturn: () => void = () => {};

  constructor(options: DiskVolumeOptions) {
    const { files, clock, logger, path } = options;
    this.id = options.record.volume;
    this.path = path;
    this.#options = options;
    this.files = files;
    this.root = join(path, BLOBS_FOLDER);
    this.quarantine = new QuarantineFolder(files, join(path, QUARANTINE_FOLDER));
    this.#space = new VolumeSpace({ files, path, clock, maxUsedRatio: options.maxUsedRatio ?? DEFAULT_MAX_USED_RATIO });
    this.#health = new VolumeHealth(path, { logger, clock });
    this.#lock = options.lock;
    this.#pool = new PiecePool(READ_CHUNK_BYTES, options.maxLent);
    this.uploads = new UploadFolder({
      files,
      path: join(path, UPLOADS_FOLDER),
      space: this.#space,
      health: this.#health,
      logger,
    });
    this.#ground = {
      files,
      logger,
      incoming: join(path, INCOMING_FOLDER),
      folders: new DurableFolders({ files, root: this.root, health: this.#health }),
      space: this.#space,
      health: this.#health,
      unsynced: new UnsyncedBytes(),
      publishing: new KeyedLock(),
    };
  }

  get isSuspect(): boolean {
    return this.#health.isSuspect;
  }

  async open(ref: BlobRef, range?: ByteRange, signal?: AbortSignal): Promise<OpenBlob | undefined> {
    const onFailure = (error: unknown) => this.#health.failedRead(error);
    const read = { ref, path: blobPath(this.root, ref), range, signal, pool: this.#pool, onFailure };
    return openBlobFile(this.#options.files, read);
  }

  async stat(ref: BlobRef, signal?: AbortSignal): Promise<{ sizeBytes: number } | undefined> {
    signal?.throwIfAborted();
    return this.#reading(() => statBlobFile(this.#options.files, blobPath(this.root, ref)));
  }

  /** Where the blob lies, when it is here. */
  async locate(ref: BlobRef): Promise<{ path: string; pathInVolume: string; sizeBytes: number } | undefined> {
    const found = await this.stat(ref);
    return found && { ...found, path: blobPath(this.root, ref), pathInVolume: blobPath("", ref) };
  }

  async create(namespace: NamespaceName, announced: BlobWriteOptions = {}, signal?: AbortSignal): Promise<BlobWrite> {
    return this.begin({ namespace, announced, signal });
  }

  /** `create` for a set of volumes, which has its own say when the blob appears. */
  async begin(options: {
    namespace: NamespaceName;
    announced: BlobWriteOptions;
    signal?: AbortSignal | undefined;
    publishing?: Publishing;
  }): Promise<BlobWrite> {
    const { namespace, announced, signal } = options;
    signal?.throwIfAborted();
    this.#health.checkWritable();
    await this.#checkRoom(announced.sizeBytes);
    signal?.throwIfAborted();
    this.#names += 1;
    const name = this.#names.toString(36);
    const steps = new DiskWrite({ ...this.#ground, ...options.publishing }, { name, namespace, announced });
    return new GuardedWrite(steps, signal);
  }

  /** Bytes it still takes (zero when it takes none), and what it can hold in all. Throws `disk_failed`. */
  async room(): Promise<{ freeBytes: number; totalBytes: number }> {
    try {
      // Where a disk is not mounted, what lies beneath would answer for it.
      if (this.isSuspect) return { freeBytes: 0, totalBytes: 0 };
      const totalBytes = await this.#space.total();
      return { freeBytes: Math.max(0, Math.floor(await this.#space.room())), totalBytes };
    } catch (error) {
      throw toDiskError(error, `cannot ask how full ${this.path} is`);
    }
  }

  /** Its state as operators see it, given what room there is. */
  describe(freeBytes: number): Pick<VolumeInfo, "id" | "path" | "state" | "reason" | "hint"> {
    const { id, path } = this;
    const trouble = this.#health.trouble;
    if (trouble !== undefined) return { id, path, state: "out", reason: trouble.reason, hint: trouble.hint };
    return { id, path, state: freeBytes > 0 ? "good" : "full" };
  }

  /** Unlinks the blob; false when there was none. Not fsynced: after a power cut it may be there again. */
  async remove(ref: BlobRef): Promise<boolean> {
    const path = blobPath(this.root, ref);
    try {
      await this.#options.files.unlink(path);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw toDiskError(error, `cannot remove ${path}`);
    }
  }

  /** Makes it durable that a removed blob is gone. */
  async syncRemoval(ref: BlobRef): Promise<void> {
    const folder = dirname(blobPath(this.root, ref));
    try {
      await this.#options.files.syncFolder(folder);
    } catch (error) {
      if (!isMissing(error)) throw toDiskError(error, `cannot make a removal from ${folder} durable`);
    }
  }

  /** What lies in the blob folder, one folder shard after the other. */
  async *walkShards(): AsyncGenerator<BlobRef[]> {
    try {
      yield* walkShards(this.#options.files, this.root);
    } catch (error) {
      // A folder that cannot be read hides any number of blobs.
      if (isReadFailing(error)) this.#health.lose(error);
      throw error;
    }
  }

  /** For one listener: told when the volume goes out. */
  watchHealth(onOut: () => void): void {
    this.#health.watch(onOut);
  }

  /** Takes it out: its bytes cannot be believed. */
  distrust(reason: string): void {
    this.#health.distrust(reason);
  }

  /** For one listener: told when the volume is back. */
  watchReturn(onReturn: () => void): void {
    this.#onReturn = onReturn;
  }

  /** A read of one of its files failed that was none of our making. */
  failedRead(cause: unknown): void {
    this.#health.failedRead(cause);
  }

  /** Moves a file of the volume to where the blob belongs, durably. Rejects with system errors. */
  async adopt(path: string, ref: BlobRef): Promise<void> {
    const { folders } = this.#ground;
    const folder = await folders.ensure(blobFolders(ref));
    await this.files.rename(path, blobPath(this.root, ref));
    crashPoint("scrub.moved");
    await folders.sync(folder);
    await folders.sync(dirname(path));
  }

  /** Throws `disk_failed` when the volume is out, or not the one that it was: then it goes out. */
  async checkPresent(): Promise<void> {
    this.#health.checkWritable();
    const trouble = await findVolumeTrouble({ ...this.#options, incoming: this.#ground.incoming }, { writes: false });
    if (trouble === undefined) return;
    this.#health.lose(trouble);
    this.#health.checkWritable();
  }

  /**
   * Looks whether it can be read and, when it is worth an fsync, written: goes out when not, and comes back when it was
   * out for a reason that mends itself. Never throws.
   */
  async check({ writes }: { writes: boolean }): Promise<void> {
    const { trouble } = this.#health;
    if (trouble?.returnsBy === "restart") return;
    const found = await findVolumeTrouble(
      { ...this.#options, incoming: this.#ground.incoming },
      { writes: writes || trouble !== undefined },
    );
    if (found !== undefined) return this.#health.lose(found);
    if (trouble !== undefined) this.#return();
  }

  /** The lock of a disk that was unmounted is on a file that is not there any more. */
  #return(): void {
    try {
      this.#lock.release();
      this.#lock = this.#options.relock();
    } catch (error) {
      this.#options.logger.warn({ volume: this.path, err: error }, "a volume that works again cannot be locked");
      return;
    }
    this.#ground.folders.forgetAll();
    this.#health.readmit();
    this.#onReturn();
  }

  async #reading<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (isReadFailing(error)) this.#health.failedRead(error);
      throw error;
    }
  }

  /** Lets another process open the directory. Writes that still run are the caller's to end first. */
  close(): void {
    this.#lock.release();
  }

  async #checkRoom(sizeBytes: number | undefined): Promise<void> {
    try {
      await this.#space.check(sizeBytes);
    } catch (error) {
      if (isDeviceFailing(error)) this.#health.lose(error);
      throw toDiskError(error, `cannot ask how full ${this.path} is`);
    }
  }
}
