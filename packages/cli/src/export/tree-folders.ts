import { lstatSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

/** So many folders are remembered as looked at; beyond that they are looked at again. */
const MAX_KNOWN = 10_000;

/** The folders of an export's tree, made as they are needed in place of whatever else an earlier run, or anybody, left. */
export class TreeFolders {
  readonly #root: string;
  readonly #known = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** `.` is the tree itself. */
  open(folder: string): void {
    if (folder === "." || this.#known.has(folder)) return;
    this.open(dirname(folder));
    const path = join(this.#root, folder);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    // A file of the last run; or a link, which might lead out of the tree.
    if (stats !== undefined && !stats.isDirectory()) rmSync(path);
    if (stats?.isDirectory() !== true) mkdirSync(path);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.add(folder);
  }
}
