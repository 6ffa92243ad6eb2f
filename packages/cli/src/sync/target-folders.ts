import { lstat, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, isMissing } from "./local-tree.js";

/** So many folders are remembered as looked at; beyond that they are looked at again. */
const MAX_KNOWN = 10_000;

/** Makes the folders of a tree as they are needed, and sees that none of them is a link that leads out of it. */
export class TargetFolders {
  readonly #root: string;
  readonly #dryRun: boolean;
  readonly #known = new Set<string>(["."]);

  constructor(root: string, dryRun: boolean) {
    this.#root = root;
    this.#dryRun = dryRun;
  }

  /** Makes a folder of the tree (`.` is the tree itself). Answers why that cannot be, or undefined when it is there. */
  async open(folder: string): Promise<string | undefined> {
    if (this.#known.has(folder)) return undefined;
    const problem = (await this.open(dirname(folder))) ?? (await this.#openOne(folder));
    if (problem !== undefined) return problem;
    if (this.#known.size >= MAX_KNOWN) {
      this.#known.clear();
      this.#known.add(".");
    }
    this.#known.add(folder);
    return undefined;
  }

  async #openOne(folder: string): Promise<string | undefined> {
    const path = `${this.#root}/${folder}`;
    try {
      const stats = await lstat(path);
      if (stats.isSymbolicLink()) return `the folder ${JSON.stringify(folder)} is a link that may lead elsewhere`;
      return stats.isDirectory() ? undefined : `${JSON.stringify(folder)} is no folder here`;
    } catch (cause) {
      if (!isMissing(cause)) return describe(cause);
    }
    try {
      if (!this.#dryRun) await mkdir(path);
      return undefined;
    } catch (cause) {
      return `the folder ${JSON.stringify(folder)} cannot be made: ${describe(cause)}`;
    }
  }
}
