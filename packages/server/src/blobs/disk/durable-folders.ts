import { join } from "node:path";
import { crashPoint } from "../../runtime/crash-points.js";
import type { FileSystem } from "../../runtime/file-system.js";
import { errnoOf, isBeforeDisk } from "./disk-error.js";
import type { VolumeHealth } from "./volume-health.js";

/** Remembered folders, at about 100 bytes each. Two namespaces' worth of 65,536; past it we forget all and learn anew. */
const MAX_KNOWN_FOLDERS = 2 ** 17;

/**
 * Makes folders so that they survive a power cut: a folder counts only after its parent was fsynced, even when it was
 * there already, because whoever made it may have died before that.
 */
export class DurableFolders {
  /** The folder that all of them are in. */
  readonly root: string;
  readonly #files: FileSystem;
  #known = new Set<string>();
  /** Folders being made: whoever needs the same one waits for the same fsync. */
  readonly #making = new Map<string, Promise<void>>();

  readonly #health: VolumeHealth;

  /** `root` must exist and be durable. */
  constructor(options: { files: FileSystem; root: string; health: VolumeHealth }) {
    this.#files = options.files;
    this.root = options.root;
    this.#health = options.health;
  }

  /** fsync of a folder: the names in it survive a power cut. A failed fsync makes the volume suspect. */
  async sync(path: string): Promise<void> {
    try {
      await this.#files.syncFolder(path);
    } catch (error) {
      if (!isBeforeDisk(error)) this.#health.suspect(error);
      throw error;
    }
  }

  /** The path of the folder `root/names…`, durable with all its ancestors when it resolves. */
  async ensure(names: readonly string[]): Promise<string> {
    const path = join(this.root, ...names);
    if (names.length === 0 || this.#known.has(path)) return path;
    const running = this.#making.get(path);
    if (running !== undefined) {
      await running;
      return path;
    }
    const making = this.#make(path, names).finally(() => this.#making.delete(path));
    this.#making.set(path, making);
    await making;
    return path;
  }

  /** Call when a folder turned out to be gone: it and its ancestors are made again by the next `ensure`. */
  forget(names: readonly string[]): void {
    for (let depth = names.length; depth > 0; depth -= 1) {
      this.#known.delete(join(this.root, ...names.slice(0, depth)));
    }
  }

  /** For a volume that was away: what it has now is learnt anew. */
  forgetAll(): void {
    this.#known = new Set();
  }

  async #make(path: string, names: readonly string[]): Promise<void> {
    const parent = await this.ensure(names.slice(0, -1));
    try {
      await this.#files.mkdir(path);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
    crashPoint("blob.folder-made.before-fsync");
    await this.sync(parent);
    if (this.#known.size >= MAX_KNOWN_FOLDERS) this.#known = new Set();
    this.#known.add(path);
  }
}
