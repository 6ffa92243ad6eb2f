import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { isPartName } from "@koboldfs/client";
import { type FileStats, lookAt, readStats } from "./file-stats.js";
import type { PathFilter } from "./path-filter.js";
import type { SyncNotices } from "./sync-notices.js";
import { describe, isMissing } from "./system-failure.js";

/** A file, or something else that stands where a file could. */
export type LocalEntry = LocalFile | LocalObstacle;

export interface LocalFile extends FileStats {
  readonly kind: "file";
  /** The path inside the tree, with slashes: what the key is made of. */
  readonly key: string;
  /** Where it is. */
  readonly path: string;
}

export interface LocalObstacle {
  readonly kind: "link" | "special" | "unreadable";
  readonly key: string;
  readonly path: string;
  /** Why it is no file, in words. */
  readonly reason: string;
}

export interface LocalTreeOptions {
  readonly filter: PathFilter;
  /** Whether links count as what they point to. Otherwise each is an obstacle. */
  readonly followLinks: boolean;
  readonly notices: SyncNotices;
  /** Meets each file that a download left unfinished; such files are no entries. */
  readonly onPart?: (name: string, path: string) => void;
  /** Told of each folder with nothing in it, which no key can stand for. */
  readonly onEmptyFolder?: (key: string) => void;
}

/** Beyond so many it is no longer remembered which keys nothing is known of: then it is all of them. */
const MAX_HIDDEN = 100_000;

const SLASH = Buffer.from("/");
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A folder on the way down, so that a link that leads back into it is noticed. */
interface OpenFolder {
  readonly path: string;
  readonly key: string;
  readonly identity: string;
  readonly outer: OpenFolder | undefined;
}

interface Named {
  readonly name: string;
  readonly sortBy: Buffer;
  readonly isFolder: boolean;
  readonly isLink: boolean;
}

/**
 * Walks the files of a folder in the byte order of their keys, which is also the order of a listing. One folder's names
 * are in memory at a time, and those of the folders it lies in. What cannot be read is told.
 */
export class LocalTree {
  readonly #root: string;
  readonly #options: LocalTreeOptions;
  readonly #hidden = new Set<string>();
  /** Whether nothing at all was met, not even what the filter leaves out: an unmounted disk looks so. */
  isEmpty = true;

  constructor(root: string, options: LocalTreeOptions) {
    this.#root = root;
    this.#options = options;
  }

  async *entries(): AsyncGenerator<LocalEntry> {
    yield* this.#walk({ path: this.#root, key: "", identity: this.#identify(this.#root), outer: undefined });
  }

  /** Whether the file of this key may be there unseen: in a folder that could not be read, or behind a link. */
  hides(key: string): boolean {
    if (this.#hidden.size >= MAX_HIDDEN || this.#hidden.has("")) return true;
    for (let slash = key.indexOf("/"); slash !== -1; slash = key.indexOf("/", slash + 1)) {
      if (this.#hidden.has(key.slice(0, slash + 1))) return true;
    }
    return false;
  }

  async *#walk(folder: OpenFolder): AsyncGenerator<LocalEntry> {
    const { filter } = this.#options;
    for (const { name, isFolder, isLink } of await this.#readFolder(folder)) {
      const [key, path] = [folder.key + name, `${folder.path}/${name}`];
      if (isFolder) {
        if (filter.prunes(key)) continue;
        yield* this.#walk({ path, key: `${key}/`, identity: this.#identify(path), outer: folder });
        continue;
      }
      // Looked at only now: what is known of a file should be fresh, and a folder may have a million of them.
      const entry = filter.includes(key) ? this.#look({ key, path }, isLink) : undefined;
      if (entry === undefined) continue;
      if (entry.kind !== "file") this.#hide(`${key}/`);
      yield entry;
    }
  }

  async #readFolder(folder: OpenFolder): Promise<Named[]> {
    const found = await this.#readNames(folder);
    if (found.length > 0) this.isEmpty = false;
    else if (!this.#hidden.has(folder.key)) this.#options.onEmptyFolder?.(folder.key);
    const named = found.flatMap((dirent) => this.#readName(folder, dirent) ?? []);
    return named.sort((a, b) => Buffer.compare(a.sortBy, b.sortBy));
  }

  async #readNames(folder: OpenFolder): Promise<Dirent<Buffer>[]> {
    try {
      return await readdir(folder.path, { withFileTypes: true, encoding: "buffer" });
    } catch (cause) {
      this.#hide(folder.key);
      // A folder that went away while we walked is as good as one that was never there.
      if (folder.key !== "" && isMissing(cause)) this.#options.notices.ignore(folder.key, "the folder vanished");
      else this.#options.notices.fail(folder.key, `the folder cannot be read: ${describe(cause)}`);
      return [];
    }
  }

  /** Undefined for what is no entry. */
  #readName(folder: OpenFolder, dirent: Dirent<Buffer>): Named | undefined {
    const name = decodeName(dirent.name);
    if (name === undefined) {
      const shown = folder.key + dirent.name.toString("latin1");
      this.#options.notices.fail(shown, "its name is not UTF-8, so it can be no key; rename it");
      return undefined;
    }
    if (dirent.isFile() && isPartName(name)) {
      this.#options.onPart?.(name, `${folder.path}/${name}`);
      return undefined;
    }
    const isLink = dirent.isSymbolicLink();
    const isFolder = dirent.isDirectory() || (isLink && this.#leadsToFolder(folder, `${folder.path}/${name}`));
    // A folder's files sort by what follows its slash: `a-b` stands before `a/b`.
    return { name, sortBy: isFolder ? Buffer.concat([dirent.name, SLASH]) : dirent.name, isFolder, isLink };
  }

  /** What is there; undefined for a file that vanished since its folder was read. */
  #look(place: { key: string; path: string }, isLink: boolean): LocalEntry | undefined {
    if (isLink && !this.#options.followLinks) return { ...place, kind: "link", reason: "it is a link" };
    try {
      const stats = lookAt(place.path, isLink);
      if (stats?.isFile() === true) return { ...place, kind: "file", ...readStats(stats, Date.now()) };
      if (stats === undefined)
        return isLink ? { ...place, kind: "link", reason: "it is a link to nothing" } : undefined;
      if (!stats.isDirectory()) return { ...place, kind: "special", reason: "it is no file, folder or link" };
      return { ...place, kind: "link", reason: "it is a link to a folder that it lies in" };
    } catch (cause) {
      return { ...place, kind: "unreadable", reason: `it cannot be looked at: ${describe(cause)}` };
    }
  }

  /** Whether a link is to be followed into a folder. One that leads back up is not: it would never end. */
  #leadsToFolder(from: OpenFolder, path: string): boolean {
    if (!this.#options.followLinks) return false;
    const identity = this.#identify(path);
    if (identity === "") return false;
    for (let folder: OpenFolder | undefined = from; folder !== undefined; folder = folder.outer) {
      if (folder.identity === identity) return false;
    }
    return true;
  }

  #hide(folder: string): void {
    if (this.#hidden.size < MAX_HIDDEN) this.#hidden.add(folder);
  }

  /** Tells folders apart; empty for what is none. Without links no folder can be met twice, and nothing is asked. */
  #identify(path: string): string {
    if (!this.#options.followLinks) return "";
    try {
      const stats = lookAt(path, true);
      return stats?.isDirectory() === true ? `${stats.dev}:${stats.ino}` : "";
    } catch {
      // Reading it will fail too, and is told then.
      return "";
    }
  }
}

function decodeName(name: Buffer): string | undefined {
  try {
    return decoder.decode(name);
  } catch {
    return undefined;
  }
}
