import { setTimeout as pause } from "node:timers/promises";
import { KoboldError, parseFileKey } from "@koboldfs/protocol";
import type { DigestPlace } from "./digest-cache.js";
import { Deletions } from "./deletions.js";
import { lookAt, readStats } from "./file-stats.js";
import { formatFileTime } from "./file-time.js";
import { digestFile } from "./local-digest.js";
import { type LocalEntry, type LocalFile, LocalTree } from "./local-tree.js";
import { mergeTrees } from "./merge-trees.js";
import { failFile, refuseEmptySource, type RemoteFile, RemoteTree, type SyncRun } from "./sync-run.js";
import { isMissing } from "./system-failure.js";
import { TaskPool } from "./task-pool.js";

/** A file that keeps changing while it is read is given up after this many tries. */
const MAX_TRIES = 3;
/**
 * A file that was written to less than a tick of the kernel's clock ago may be written to again without a trace, even
 * while it is read. Its tick is 10 ms at the most.
 */
const TICK_MS = 20;

/** Makes the namespace, below the prefix, hold what the folder holds. */
export async function syncUp(run: SyncRun): Promise<void> {
  const { filter, followLinks, notices } = run;
  const onEmptyFolder = (key: string) => notices.ignore(key, "an empty folder has no key, so it is not stored");
  const tree = new LocalTree(run.folder, { filter, followLinks, notices, onEmptyFolder });
  const pool = new TaskPool(run.jobs);
  const doomed = new Deletions(run);
  try {
    for await (const { key, local, remote } of mergeTrees(tree.entries(), new RemoteTree(run).entries())) {
      run.signal.throwIfAborted();
      if (local !== undefined) await sendEntry(run, pool, { local, remote });
      else if (run.delete && remote !== undefined) {
        refuseEmptySource(tree, JSON.stringify(run.folder));
        if (!tree.hides(key)) await doomed.add(remote);
        else notices.ignore(key, "it is not deleted, because what is in the folder at its place was not read");
      }
    }
    await pool.finish();
    await doomed.flush();
  } finally {
    await pool.settle();
  }
}

interface EntryPair {
  readonly local: LocalEntry;
  readonly remote: RemoteFile | undefined;
}

/** Resolves as soon as the file is under way, or there is nothing to send. */
async function sendEntry(run: SyncRun, pool: TaskPool, { local, remote }: EntryPair): Promise<void> {
  if (local.kind === "unreadable") return run.notices.fail(local.key, local.reason);
  if (local.kind !== "file") return run.notices.ignore(local.key, local.reason);
  const place = run.digests.reserve(local.key);
  const known = await run.digests.find(local.key, local);
  if (known !== undefined && known === remote?.info.digest) {
    run.tally.skip(local.sizeBytes);
    place.keep(local, known);
    return;
  }
  await pool.add(async () => {
    try {
      await sendFile(run, local, { remote, known, place });
    } finally {
      // Where nothing new was found out, what was known is true still: it belongs to how the file looked.
      if (known !== undefined) place.keep(local, known);
      place.drop();
    }
  });
}

/** What is known of a file besides how it looks. */
interface SendContext {
  readonly remote: RemoteFile | undefined;
  /** Its digest, from an earlier run. It only ever says that the stored file is another one. */
  readonly known: string | undefined;
  readonly place: DigestPlace;
}

async function sendFile(run: SyncRun, local: LocalFile, context: SendContext): Promise<void> {
  let file = local;
  for (let tries = 1; ; tries += 1) {
    try {
      if (Math.abs(Date.now() - file.modifiedMs) < TICK_MS) await pause(TICK_MS);
      if (!(await isStored(run, file, context))) await putFile(run, file, context);
      return;
    } catch (failure) {
      run.signal.throwIfAborted();
      const changed = failure instanceof KoboldError && failure.code === "source_changed";
      const fresh = changed && tries < MAX_TRIES ? lookAt(file.path, run.followLinks) : undefined;
      if (fresh?.isFile() === true) file = { ...file, ...readStats(fresh, Date.now()) };
      else if (isMissing(failure) || isMissing((failure as Error).cause ?? {}))
        return run.notices.ignore(file.key, "it vanished before it could be read");
      else return failFile(run, file.key, failure);
    }
  }
}

/** Whether the namespace has this content already. */
async function isStored(run: SyncRun, file: LocalFile, { remote, known, place }: SendContext): Promise<boolean> {
  if (remote === undefined || remote.info.size !== file.sizeBytes || known !== undefined) return false;
  run.tally.hashed += 1;
  const digest = await digestFile(file.path, file.sizeBytes, run.signal);
  if (digest !== remote.info.digest) return false;
  place.keep(file, digest);
  run.tally.skip(file.sizeBytes);
  return true;
}

async function putFile(run: SyncRun, file: LocalFile, { place }: SendContext): Promise<void> {
  const key = parseFileKey(run.prefix + file.key);
  if (run.dryRun) return run.tally.transfer(file.sizeBytes);
  const { signal } = run;
  const options = { signal, metadata: formatFileTime(file.modifiedMs) };
  const reply = await run.tally.watch((onProgress) => run.client.put(key, file.path, { ...options, onProgress }));
  // How it looked before it was read: if it was written to since, it looks otherwise now.
  place.keep(file, reply.digest);
  run.tally.transfer(reply.size);
}
