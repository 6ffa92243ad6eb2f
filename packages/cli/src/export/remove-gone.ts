import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EmptiedFolders } from "../sync/emptied-folders.js";
import { LocalTree } from "../sync/local-tree.js";
import { mergeTrees } from "../sync/merge-trees.js";
import { PathFilter } from "../sync/path-filter.js";
import { SyncNotices } from "../sync/sync-notices.js";
import { ODD_FOLDER, OWN_FOLDER } from "./export-path.js";
import type { ExportPlace } from "./export-place.js";
import { type ManifestEntry, readManifest } from "./manifest.js";

/** Removes from the tree what its manifest does not name; answers how many files. */
export async function removeGone(place: ExportPlace, tell: (path: string, why: string) => void): Promise<number> {
  const emptied = new EmptiedFolders(place.root);
  const tree = new LocalTree(place.root, {
    filter: new PathFilter([{ kind: "exclude", pattern: `/${OWN_FOLDER}/` }]),
    followLinks: false,
    notices: new SyncNotices(({ key, message }) => tell(key, message)),
    onPart: (_name, path) => rmSync(path),
    onEmptyFolder: (key) => emptied.note(`${key}nothing`),
  });
  const odd = new Set<string>();
  let removed = 0;
  for await (const { key, local, remote } of mergeTrees(tree.entries(), listPlain(place, odd))) {
    if (local === undefined || remote !== undefined) continue;
    rmSync(local.path);
    emptied.note(key);
    removed += 1;
  }
  emptied.remove();
  for (const name of readdirSync(join(place.root, ODD_FOLDER))) {
    if (odd.has(name)) continue;
    rmSync(join(place.root, ODD_FOLDER, name));
    removed += 1;
  }
  return removed;
}

/** The entries that lie under their own keys; the names of the others are added to `odd`. */
async function* listPlain(place: ExportPlace, odd: Set<string>): AsyncGenerator<ManifestEntry> {
  for await (const entry of readManifest(place.manifest)) {
    if (entry.placing === "missing") continue;
    if (entry.path === entry.key) yield entry;
    else odd.add(entry.path.slice(ODD_FOLDER.length + 1));
  }
}
