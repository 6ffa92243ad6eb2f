import type { FileInfo } from "@koboldfs/protocol";
import type { Run } from "../connection.js";
import { FolderClashFinder } from "../sync/safe-path.js";
import { mergeTrees } from "../sync/merge-trees.js";
import { planPath } from "./export-path.js";
import { ExportPlace } from "./export-place.js";
import { ManifestWriter, readManifest } from "./manifest.js";
import { NodeBlobs } from "./node-blobs.js";
import { placeFile, type PlaceFileOptions } from "./place-file.js";
import { removeGone } from "./remove-gone.js";
import { TreeFolders } from "./tree-folders.js";

export interface ExportWish {
  readonly namespace: string;
  readonly prefix: string;
  readonly folder: string;
  /** The data directories of this machine's node. */
  readonly volumes: readonly string[];
  /** A journal number or a time; undefined: now. */
  readonly asOf: string | undefined;
  readonly copies: boolean;
  readonly fetches: boolean;
  readonly verifies: boolean;
}

/** What an export came to. */
export interface ExportReport {
  asOf: string;
  files: number;
  bytes: number;
  /** Of the files: how their bytes lie there now. */
  linked: number;
  copied: number;
  fetched: number;
  missing: number;
  /** Files that this run put there, and took away. */
  placed: number;
  removed: number;
}

/** A node that is restarted, or a database that fails over, should not end a long run. */
const DEADLINE_MS = 60_000;

/**
 * Makes a tree of the files of a namespace as of one number of the journal, and its manifest. `tell` hears of each file
 * that could not be placed. An export that was interrupted is simply run again.
 */
export async function runExport(
  run: Run,
  wish: ExportWish,
  tell: (path: string, why: string) => void,
): Promise<ExportReport> {
  const { signal } = run.context;
  const { namespace, prefix } = wish;
  const { cluster, head } = await run.connectCluster().status({ signal });
  const client = run.connect(namespace, { deadlineMs: DEADLINE_MS });
  await client.getNamespace({ signal });
  const asOf = wish.asOf ?? String(head);
  const blobs = NodeBlobs.open(wish.volumes, cluster, namespace);
  const place = ExportPlace.open(wish.folder, { cluster, namespace, prefix });
  const { copies, fetches, verifies } = wish;
  const options = { place, folders: new TreeFolders(place.root), blobs, client, copies, fetches, verifies, signal };
  const report = { asOf, files: 0, bytes: 0, linked: 0, copied: 0, fetched: 0, missing: 0, placed: 0, removed: 0 };
  const manifest = new ManifestWriter(place.manifest, { koboldfsExport: 1, cluster, namespace, prefix, asOf });
  try {
    const listing = client.list({ prefix, asOf, signal });
    await placeAll(options, { listing, manifest, report, tell });
    await manifest.finish();
  } catch (cause) {
    manifest.discard();
    throw cause;
  }
  report.removed = await removeGone(place, tell);
  return report;
}

interface Sides {
  readonly listing: AsyncIterable<FileInfo>;
  readonly manifest: ManifestWriter;
  readonly report: ExportReport;
  readonly tell: (path: string, why: string) => void;
}

async function placeAll(options: PlaceFileOptions, { listing, manifest, report, tell }: Sides): Promise<void> {
  const clashes = new FolderClashFinder();
  const last = readManifest(options.place.manifest);
  for await (const { key, local: before, remote: file } of mergeTrees(last, listing)) {
    options.signal.throwIfAborted();
    if (file === undefined) continue;
    const { path } = planPath(key, clashes);
    const { placing, isNew } = await placeFile(options, { file, path, before });
    if (placing === "missing")
      tell(key, "its bytes are not on this node's volumes; --fetch gets them from the cluster");
    await manifest.add({ ...file, path, placing });
    report.files += 1;
    report.bytes += placing === "missing" ? 0 : file.size;
    report[placing] += 1;
    report.placed += isNew ? 1 : 0;
  }
}
