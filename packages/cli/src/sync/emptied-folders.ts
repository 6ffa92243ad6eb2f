import { rmdirSync } from "node:fs";
import { dirname } from "node:path";

/** So many folders are remembered; beyond that, empty ones stay behind, which the next run does not mind. */
const MAX_FOLDERS = 100_000;

/** The folders of a tree from which files were deleted. */
export class EmptiedFolders {
  readonly #root: string;
  readonly #folders = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Notes the folders above a deleted file. */
  note(key: string): void {
    for (let folder = dirname(key); folder !== "." && !this.#folders.has(folder); folder = dirname(folder)) {
      if (this.#folders.size < MAX_FOLDERS) this.#folders.add(folder);
    }
  }

  /** Removes those that are empty now, inner ones first. Those that still hold something stay. */
  remove(): void {
    // A longer path cannot hold a shorter one.
    for (const folder of [...this.#folders].sort((a, b) => b.length - a.length)) {
      try {
        rmdirSync(`${this.#root}/${folder}`);
      } catch {
        // It holds something still, or may not be removed; an empty folder hurts nobody.
      }
    }
  }
}
