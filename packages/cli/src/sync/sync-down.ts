import { lstat, mkdir, rmdir, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { type FileInfo, KoboldError } from "@koboldfs/protocol";
import { digestFile } from "./local-digest.js";
import { isMissing, type LocalFile, LocalTree } from "./local-tree.js";
import { mergeTrees } from "./merge-trees.js";
import { FolderClashFinder, findPathProblem } from "./safe-path.js";
import { failFile, listRemote, type RemoteFile, type SyncRun } from "./sync-run.js";
import { TargetFolders } from "./target-folders.js";
import { TaskPool } from "./task-pool.js";

/** Makes the folder hold what the namespace holds below the prefix. */
export async function syncDown(run: SyncRun): Promise<void> {
  if (!run.dryRun) await makeRoot(run.folder);
  const tree = new LocalTree(run.folder, run.notices);
  const folders = new TargetFolders(run.folder, run.dryRun);
  const clashes = new FolderClashFinder();
  const pool = new TaskPool(run.jobs);
  const emptied = new Set<string>();
  try {
    for await (const { key, local, remote } of mergeTrees(openTree(run, tree), listRemote(run))) {
      run.signal.throwIfAborted();
      if (remote === undefined) {
        if (run.delete && local !== undefined) {
          await deleteLocal(run, local);
          emptied.add(dirname(key));
        }
        continue;
      }
      const problem = await findProblem(key, clashes, folders);
      if (problem !== undefined) run.notices.fail(key, new KoboldError("unsafe_key", problem));
      else await pool.add(() => fetchFile(run, remote));
    }
    await pool.finish();
    // Not before: a folder may be empty only because its first file is still on its way.
    if (!run.dryRun) await removeEmptied(run, emptied);
  } finally {
    await pool.settle();
  }
}

/** Why the key must not be written; undefined when its folder is there and nothing is in the way. */
async function findProblem(
  key: string,
  clashes: FolderClashFinder,
  folders: TargetFolders,
): Promise<string | undefined> {
  const problem = findPathProblem(key);
  if (problem !== undefined) return problem;
  const clash = clashes.find(key);
  if (clash !== undefined) return `${JSON.stringify(clash)} is a file, so it cannot be a folder`;
  return folders.open(dirname(key));
}

async function fetchFile(run: SyncRun, { key, info }: RemoteFile): Promise<void> {
  const path = `${run.folder}/${key}`;
  try {
    if (await hasContent(path, info, run.signal)) {
      run.tally.skipped += 1;
      return;
    }
    if (!run.dryRun && !(await run.client.get(info.key, path, { signal: run.signal }))) {
      run.notices.ignore(key, "it was deleted before it could be fetched");
      return;
    }
    run.tally.transferred += 1;
    run.tally.transferredBytes += info.size;
  } catch (failure) {
    run.signal.throwIfAborted();
    failFile(run, key, failure);
  }
}

/** Whether `path` is a file, or a link to one, with this content already. */
async function hasContent(path: string, { size, digest }: FileInfo, signal: AbortSignal): Promise<boolean> {
  try {
    const stats = await stat(path);
    return stats.isFile() && stats.size === size && (await digestFile(path, signal)) === digest;
  } catch {
    signal.throwIfAborted();
    // It is not there, or cannot be read; in that case writing tells whether it can be replaced.
    return false;
  }
}

async function deleteLocal(run: SyncRun, { key, path }: LocalFile): Promise<void> {
  try {
    if (!run.dryRun) await unlink(path);
    run.tally.deleted += 1;
  } catch (cause) {
    if (!isMissing(cause)) run.notices.fail(key, cause);
  }
}

/** Removes the folders that deletions emptied, inner ones first. Those that still hold something stay. */
async function removeEmptied(run: SyncRun, folders: ReadonlySet<string>): Promise<void> {
  const climbed = new Set<string>();
  for (let folder of folders) {
    for (; folder !== "."; folder = dirname(folder)) climbed.add(folder);
  }
  // A longer path cannot hold a shorter one.
  for (const folder of [...climbed].sort((a, b) => b.length - a.length)) {
    await rmdir(`${run.folder}/${folder}`).catch(() => undefined);
  }
}

async function makeRoot(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new KoboldError("target_unwritable", `cannot make the folder ${JSON.stringify(folder)}`, { cause });
  }
}

/** A dry run may have no folder to compare with yet. */
async function* openTree(run: SyncRun, tree: LocalTree): AsyncGenerator<LocalFile> {
  const exists = await lstat(run.folder).then(
    () => true,
    () => false,
  );
  if (exists) yield* tree.files();
}
