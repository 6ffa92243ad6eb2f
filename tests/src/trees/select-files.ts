import { createHash } from "node:crypto";
import { type Dirent, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A real tree that every checkout has: source, images, binaries, empty files, deep and odd names. */
export const REAL_TREE = fileURLToPath(new URL("../../../node_modules", import.meta.url));

/** A few giants (browsers, databases, compilers) would make the time of a run depend on them alone. */
const MAX_FILE_BYTES = 2 * 1024 * 1024;

export interface TreeFile {
  /** Relative to the tree, with slashes. */
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * The same `count` files of a tree in every run: a spread over all folders in the order of their paths' digests, from
 * position `skip`. Throws when the tree has too few.
 */
export function selectFiles(root: string, count: number, skip = 0): TreeFile[] {
  const ordered = listFiles(root)
    .map((path) => ({ path, rank: createHash("sha256").update(path).digest("hex") }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const selected: TreeFile[] = [];
  let passed = 0;
  for (const { path } of ordered) {
    const sizeBytes = statSync(join(root, path)).size;
    if (sizeBytes > MAX_FILE_BYTES) continue;
    passed += 1;
    if (passed > skip) selected.push({ path, sizeBytes });
    if (selected.length === count) return selected;
  }
  throw new Error(`${root} has only ${selected.length} of ${count} files`);
}

/** Regular files below `root`, as relative paths with slashes. Links are not followed. */
export function listFiles(root: string): string[] {
  const entries: Dirent[] = readdirSync(root, { recursive: true, withFileTypes: true });
  return (
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      // Tools keep caches there that change while tests run.
      .filter((path) => !path.startsWith("."))
  );
}
