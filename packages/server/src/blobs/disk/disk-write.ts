import { join } from "node:path";
import { type NamespaceName, parseNamespaceName } from "@koboldfs/protocol";
import { crashPoint } from "../../runtime/crash-points.js";
import type { FileSystem, OpenFile } from "../../runtime/file-system.js";
import type { Logger } from "../../runtime/logger.js";
import { AnnouncedBytes } from "../announced-bytes.js";
import type { BlobRef, BlobWriteOptions, PlacedBlob } from "../blob-store.js";
import type { WriteSteps } from "../guarded-write.js";
import { blobFolders } from "./blob-path.js";
import { errnoOf, isDeviceFailing, isDiskFull, isMissing, toDiskError } from "./disk-error.js";
import type { DurableFolders } from "./durable-folders.js";
import type { KeyedLock } from "./keyed-lock.js";
import type { UnsyncedBytes } from "./unsynced-bytes.js";
import type { VolumeHealth } from "./volume-health.js";
import type { Reservation, VolumeSpace } from "./volume-space.js";

/**
 * Chunks are gathered up to this size before they are written: a small blob costs one write, made at its end, and two chunks
 * of a long one are written at once, while they are in the cache of the core that hashed them. From another core the copy
 * takes ten times as long.
 */
const GATHER_BYTES = 96 * 1024;
/** With much unsynced the kernel may make a writer wait for the disk: more than is written at once, so that it waits in the thread pool. */
const GATHER_BYTES_FOR_POOL = 256 * 1024;
/** And up to this number of chunks, so that a body that trickles in byte by byte is not held as thousands of Buffers. */
const GATHER_CHUNKS = 64;
/**
 * Bytes after which a running write is fsynced in the background: the last fsync then has little left to do, whatever
 * the size of the blob, and nobody waits long for it while the disk can keep up with this much a second.
 */
const SYNC_EVERY_BYTES = 16 * 1024 * 1024;

/** What a write needs of its volume. */
export interface WriteGround {
  readonly files: FileSystem;
  readonly incoming: string;
  readonly folders: DurableFolders;
  readonly space: VolumeSpace;
  readonly health: VolumeHealth;
  readonly unsynced: UnsyncedBytes;
  readonly logger: Logger;
  /** Held from before the name appears until it is durable or gone again; by `namespace/digest`. */
  readonly publishing: KeyedLock;
  /** Runs under that lock when the blob is durable. */
  readonly published?: (ref: BlobRef) => Promise<void>;
}

/** One blob on its way to a volume: `incoming/NAME`, fsync, rename, fsync of the folder. */
export class DiskWrite implements WriteSteps {
  readonly #ground: WriteGround;
  readonly #namespace: NamespaceName;
  readonly #bytes: AnnouncedBytes;
  readonly #reservation: Reservation | undefined;
  readonly #path: string;
  #file: OpenFile | undefined;
  /** Whether the file in `incoming/` stands there. */
  #isIncoming = false;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  /** Written since the last fsync began. */
  #unsyncedBytes = 0;
  /** At most one write and one fsync are under way while the next bytes arrive. */
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> = Promise.resolve();

  constructor(ground: WriteGround, options: { name: string; namespace: NamespaceName; announced: BlobWriteOptions }) {
    const { sizeBytes } = options.announced;
    this.#ground = ground;
    this.#namespace = parseNamespaceName(options.namespace);
    this.#bytes = new AnnouncedBytes(options.announced);
    this.#reservation = sizeBytes === undefined ? undefined : ground.space.reserve(sizeBytes);
    this.#path = join(ground.incoming, options.name);
  }

  async append(chunk: Uint8Array): Promise<void> {
    await this.#bytes.add(chunk);
    if (chunk.length === 0) return;
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    const gatherBytes = this.#ground.unsynced.areFew ? GATHER_BYTES : GATHER_BYTES_FOR_POOL;
    if (this.#gatheredBytes >= gatherBytes || this.#gathered.length >= GATHER_CHUNKS) {
      await this.#told("write", () => this.#flush());
    }
  }

  async complete(lastChance: () => void): Promise<PlacedBlob> {
    const placed = this.#bytes.end();
    await this.#told("finish", async () => {
      await this.#flush();
      await this.#writing;
      await this.#syncing;
      const ref = { namespace: this.#namespace, digest: placed.digest };
      await this.#ground.publishing.run(`${ref.namespace}/${ref.digest}`, () => this.#publish(ref, lastChance));
    });
    this.#reservation?.release();
    return placed;
  }

  async discard(): Promise<void> {
    this.#reservation?.release();
    this.#gathered = [];
    // A descriptor must not be closed under a call that still uses it.
    await Promise.allSettled([this.#writing, this.#syncing]);
    this.#ground.unsynced.remove(this.#unsyncedBytes);
    this.#unsyncedBytes = 0;
    await this.#close();
    if (this.#isIncoming) await this.#quietly("unlink", () => this.#ground.files.unlink(this.#path));
  }

  /** Starts writing what was gathered once the write before it is done, so that bytes arrive while others go out. */
  async #flush(): Promise<void> {
    await this.#writing;
    const chunks = this.#gathered;
    const bytes = this.#gatheredBytes;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#writing = this.#writeOut(chunks, bytes);
    // Whoever awaits the field next is told; until then a failure must not count as unhandled.
    this.#writing.catch(() => {});
  }

  async #writeOut(chunks: readonly Uint8Array[], bytes: number): Promise<void> {
    const { files, space } = this.#ground;
    if (this.#reservation === undefined) await space.check(bytes);
    crashPoint("blob.temp-write.before");
    this.#file ??= await files.open(this.#path, "create");
    this.#isIncoming = true;
    if (bytes === 0) return;
    await this.#file.write(chunks);
    crashPoint("blob.temp-write.done");
    this.#reservation?.used(bytes);
    this.#unsyncedBytes += bytes;
    this.#ground.unsynced.add(bytes);
    if (this.#unsyncedBytes < SYNC_EVERY_BYTES) return;
    await this.#syncing;
    this.#syncing = this.#syncFile();
    this.#syncing.catch(() => {});
  }

  async #publish(ref: BlobRef, lastChance: () => void): Promise<void> {
    const { folders } = this.#ground;
    const names = blobFolders(ref);
    const target = join(folders.root, ...names, ref.digest);
    crashPoint("blob.fsync.before");
    // The three do not depend on each other, and the fsyncs among them share one commit of the file system's journal.
    const [, folder, old] = await allDone(this.#syncFile(), folders.ensure(names), this.#ground.files.findStat(target));
    lastChance();
    crashPoint("blob.rename.before");
    await allDone(this.#rename(names, target), this.#close());
    crashPoint("blob.rename.done");
    this.#isIncoming = false;
    try {
      await folders.sync(folder);
    } catch (error) {
      // The name may or may not survive a power cut. What stood there before was the same blob: then it stays.
      if (old === undefined) await this.#quietly("unlink", () => this.#ground.files.unlink(target));
      throw error;
    }
    await this.#ground.published?.(ref);
    crashPoint("blob.folder-fsync.done");
  }

  /** A folder that was removed behind our back is made again, once. */
  async #rename(names: readonly string[], target: string): Promise<void> {
    const { files, folders } = this.#ground;
    try {
      await files.rename(this.#path, target);
    } catch (error) {
      if (!isMissing(error)) throw error;
      folders.forget(names);
      await folders.ensure(names);
      await files.rename(this.#path, target);
    }
  }

  /** fdatasync is enough: it covers the bytes and the size; of the rest of the inode nothing is ever read. */
  async #syncFile(): Promise<void> {
    const bytes = this.#unsyncedBytes;
    this.#unsyncedBytes = 0;
    try {
      await this.#file?.syncData();
    } catch (error) {
      // Some file systems find out only here that they are full. The file is thrown away, so nothing is in doubt then.
      if (!isDiskFull(error)) this.#ground.health.suspect(error);
      throw error;
    } finally {
      this.#ground.unsynced.remove(bytes);
    }
  }

  /** The descriptor is gone whatever close(2) answers, and what mattered was fsynced before. */
  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) await this.#quietly("close", () => file.close());
  }

  /** Runs an action and gives its failure a code; a failing device makes the volume suspect. */
  async #told(doing: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (isDeviceFailing(error)) this.#ground.health.lose(error);
      throw toDiskError(error, `cannot ${doing} ${this.#path}`);
    }
  }

  async #quietly(doing: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (doing === "unlink" && errnoOf(error) === "ENOENT") return;
      this.#ground.logger.warn(
        { event: "blob_cleanup_failed", path: this.#path, err: error },
        `cannot ${doing} a file`,
      );
    }
  }
}

/** Like Promise.all, but settles only when nothing is running any more: descriptors are closed afterwards. */
async function allDone<T extends readonly unknown[]>(...running: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(running);
  return Promise.all(running) as Promise<T>;
}
