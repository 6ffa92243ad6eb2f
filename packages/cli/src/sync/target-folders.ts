import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { lookAt } from "./file-stats.js";
import { describe } from "./system-failure.js";

/** So many folders are remembered as looked at; beyond that they are looked at again. */
const MAX_KNOWN = 10_000;

/** Makes the folders of a tree as they are needed, and sees that none of them is a link that leads out of it. */
export class TargetFolders {
  readonly #root: string;
  readonly #dryRun: boolean;
  readonly #known = new Set<string>(["."]);
  /** In a dry run: the last file that would have been deleted, and could be a folder then. */
  #doomed: string | undefined;

  constructor(root: string, dryRun: boolean) {
    this.#root = root;
    this.#dryRun = dryRun;
  }

  /** Makes a folder of the tree (`.` is the tree itself). Answers why that cannot be, or undefined when it is there. */
  open(folder: string): string | undefined {
    if (this.#known.has(folder)) return undefined;
    const problem = this.open(dirname(folder)) ?? this.#openOne(folder);
    if (problem !== undefined) return problem;
    if (this.#known.size >= MAX_KNOWN) {
      this.#known.clear();
      this.#known.add(".");
    }
    this.#known.add(folder);
    return undefined;
  }

  /** A file of the tree was deleted, or would have been. */
  noteDeleted(key: string): void {
    this.#doomed = key;
  }

  #openOne(folder: string): string | undefined {
    if (this.#dryRun && this.#doomed !== undefined && `${folder}/`.startsWith(`${this.#doomed}/`)) return undefined;
    try {
      const stats = lookAt(`${this.#root}/${folder}`, false);
      if (stats === undefined && !this.#dryRun) mkdirSync(`${this.#root}/${folder}`);
      if (stats === undefined || stats.isDirectory()) return undefined;
      if (stats.isSymbolicLink()) {
        return `the folder ${JSON.stringify(folder)} is a link that may lead elsewhere`;
      }
      return `${JSON.stringify(folder)} is no folder here`;
    } catch (cause) {
      return `the folder ${JSON.stringify(folder)} cannot be made: ${describe(cause)}`;
    }
  }
}
