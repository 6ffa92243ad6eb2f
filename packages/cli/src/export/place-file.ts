import { copyFileSync, linkSync, lstatSync, renameSync, rmSync, type Stats, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import type { NamespaceClient } from "@koboldfs/client";
import type { FileInfo } from "@koboldfs/protocol";
import { UsageError } from "../usage-error.js";
import type { ExportPlace } from "./export-place.js";
import type { ManifestEntry, Placing } from "./manifest.js";
import type { TreeFolders } from "./tree-folders.js";
import { type BlobFile, hasDigest, type NodeBlobs } from "./node-blobs.js";

export interface PlaceFileOptions {
  readonly place: ExportPlace;
  readonly folders: TreeFolders;
  readonly blobs: NodeBlobs;
  readonly client: NamespaceClient;
  /** Copy where no link can be made. */
  readonly copies: boolean;
  /** Ask the cluster for what is not on this node. */
  readonly fetches: boolean;
  /** Read what is linked, and compare it with its digest. */
  readonly verifies: boolean;
  readonly signal: AbortSignal;
}

/** What a link cannot be made for: another file system, a file with too many links, a file of somebody else. */
const NO_LINK = new Set(["EXDEV", "EMLINK", "EPERM", "ENOTSUP", "EOPNOTSUPP"]);

let count = 0;

/**
 * Sees that a key's bytes lie at their path, with as little work as may be; `isNew` when something had to be done.
 * `before` is what the manifest of the last run said of the key.
 */
export async function placeFile(
  options: PlaceFileOptions,
  { file, path, before }: { file: FileInfo; path: string; before: ManifestEntry | undefined },
): Promise<{ placing: Placing; isNew: boolean }> {
  const { blobs, place, verifies } = options;
  const target = join(place.root, path);
  options.folders.open(dirname(path));
  const there = lstatSync(target, { throwIfNoEntry: false });
  let blob = blobs.find(file);
  if (blob !== undefined && verifies && !(await hasDigest(blob.path, file.digest))) blob = undefined;
  if (blob !== undefined && there?.ino === blob.ino && there.dev === blob.dev) {
    return { placing: "linked", isNew: false };
  }
  // What was fetched while this node lacked it is linked now.
  const isHere = blob !== undefined && before?.placing === "fetched";
  if (!isHere && isUnchanged(file, there, before)) return { placing: before.placing, isNew: false };
  count += 1;
  const made = join(place.incoming, String(count));
  const placing = blob === undefined ? await fetchFile(options, file, made) : linkFile(options, blob, made);
  if (placing === "missing") {
    // What lies there would be taken for this version.
    if (there !== undefined) rmSync(target, { recursive: true });
    return { placing, isNew: false };
  }
  if (placing !== "linked") utimesSync(made, new Date(), new Date(file.modified));
  if (there?.isDirectory() === true) rmSync(target, { recursive: true });
  renameSync(made, target);
  return { placing, isNew: true };
}

/** A copy has no inode that tells whose bytes it has; the manifest does. */
function isUnchanged(
  file: FileInfo,
  there: Stats | undefined,
  before: ManifestEntry | undefined,
): before is ManifestEntry {
  if (before === undefined || !["copied", "fetched"].includes(before.placing)) return false;
  return before.digest === file.digest && there?.isFile() === true && there.size === file.size;
}

async function fetchFile(options: PlaceFileOptions, file: FileInfo, made: string): Promise<Placing> {
  const { client, fetches, signal } = options;
  if (!fetches) return "missing";
  const found = await client.get(file.key, made, { version: file.version, signal });
  return found ? "fetched" : "missing";
}

function linkFile({ copies }: PlaceFileOptions, blob: BlobFile, made: string): Placing {
  try {
    linkSync(blob.path, made);
    return "linked";
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    if (!NO_LINK.has(code)) throw cause;
    if (!copies) throw noLink(code, blob);
  }
  copyFileSync(blob.path, made);
  return "copied";
}

function noLink(code: string, { path }: BlobFile): UsageError {
  const why = code === "EXDEV" ? "the folder is on another file system than the volume" : `the system says ${code}`;
  return new UsageError(
    `no link to ${path} can be made: ${why}`,
    "Name a folder on the volume's file system and run as the user of the node, or copy the bytes with --copy.",
  );
}
