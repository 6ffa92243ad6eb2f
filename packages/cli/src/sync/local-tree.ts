import { readdir, stat, unlink } from "node:fs/promises";
import type { Dirent } from "node:fs";
import { findPartOwner, isPartName } from "@koboldfs/client";
import type { SyncNotices } from "./sync-notices.js";

export interface LocalFile {
  /** The path inside the tree, with slashes: what the key is made of. */
  readonly key: string;
  /** Where it is. */
  readonly path: string;
}

const SLASH = Buffer.from("/");
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Walks the files of a folder in the byte order of their keys, which is also the order of a listing. One folder's names
 * are in memory at a time, and those of the folders it lies in. Links to files count as the files they point to; links
 * to folders are told and not followed, since they may lead anywhere, and round in circles. What cannot be read is told.
 */
export class LocalTree {
  readonly #root: string;
  readonly #notices: SyncNotices;
  /** False once a folder could not be read: then nothing may be concluded from a file that did not appear. */
  isComplete = true;

  constructor(root: string, notices: SyncNotices) {
    this.#root = root;
    this.#notices = notices;
  }

  files(): AsyncGenerator<LocalFile> {
    return this.#walk(this.#root, "");
  }

  async *#walk(folder: string, prefix: string): AsyncGenerator<LocalFile> {
    for (const { entry, name } of await this.#readFolder(folder, prefix)) {
      const key = prefix + name;
      const path = `${folder}/${name}`;
      if (entry.isDirectory()) yield* this.#walk(path, `${key}/`);
      else if (entry.isFile()) {
        if (!isPartName(name)) yield { key, path };
        else await removeLitter(name, path);
      } else if (entry.isSymbolicLink()) {
        if (await this.#pointsToFile(key, path)) yield { key, path };
      } else {
        this.#notices.ignore(key, "it is no file, folder or link");
      }
    }
  }

  async #readFolder(folder: string, prefix: string): Promise<{ entry: Dirent<Buffer>; name: string }[]> {
    const entries = await this.#readEntries(folder, prefix);
    const named = entries.flatMap((entry) => {
      const name = decodeName(entry.name);
      if (name === undefined) this.#notices.fail(prefix + entry.name.toString("latin1"), "its name is not UTF-8");
      // A folder's files sort by what follows its slash: `a-b` stands before `a/b`.
      const sortBy = entry.isDirectory() ? Buffer.concat([entry.name, SLASH]) : entry.name;
      return name === undefined ? [] : [{ entry, name, sortBy }];
    });
    return named.sort((a, b) => Buffer.compare(a.sortBy, b.sortBy));
  }

  async #readEntries(folder: string, prefix: string): Promise<Dirent<Buffer>[]> {
    try {
      return await readdir(folder, { withFileTypes: true, encoding: "buffer" });
    } catch (cause) {
      this.isComplete = false;
      // A folder that went away while we walked is as good as one that was never there.
      if (prefix !== "" && isMissing(cause)) this.#notices.ignore(prefix, "the folder vanished");
      else this.#notices.fail(prefix, `the folder cannot be read: ${describe(cause)}`);
      return [];
    }
  }

  async #pointsToFile(key: string, path: string): Promise<boolean> {
    try {
      const target = await stat(path);
      if (target.isFile()) return true;
      this.#notices.ignore(key, "it is a link to a folder; links to folders are not followed");
    } catch (cause) {
      this.#notices.ignore(key, isMissing(cause) ? "it is a link to nothing" : `it is a link: ${describe(cause)}`);
    }
    return false;
  }
}

export function isMissing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === "ENOENT";
}

export function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function decodeName(name: Buffer): string | undefined {
  try {
    return decoder.decode(name);
  } catch {
    return undefined;
  }
}

/** Removes what a killed run left behind; a run that still lives goes on with its own. */
async function removeLitter(name: string, path: string): Promise<void> {
  const owner = findPartOwner(name);
  if (owner === undefined || isAlive(owner)) return;
  // Another run may have removed it first, or it may belong to somebody else; it hurts nobody.
  await unlink(path).catch(() => undefined);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}
