import { Deletions } from "./deletions.js";
import { type LocalEntry, LocalTree } from "./local-tree.js";
import { mergeTrees } from "./merge-trees.js";
import { sendFile } from "./send-file.js";
import { SmallFileReader } from "./small-file.js";
import { refuseEmptySource, type RemoteFile, RemoteTree, type SyncRun } from "./sync-run.js";
import { TaskPool } from "./task-pool.js";

/** Makes the namespace, below the prefix, hold what the folder holds. */
export async function syncUp(run: SyncRun): Promise<void> {
  const { filter, followLinks, notices } = run;
  const onEmptyFolder = (key: string) => notices.ignore(key, "an empty folder has no key, so it is not stored");
  const tree = new LocalTree(run.folder, { filter, followLinks, notices, onEmptyFolder });
  const pool = new TaskPool(run.jobs);
  const doomed = new Deletions(run);
  const sender = { pool, reader: new SmallFileReader() };
  try {
    for await (const { key, local, remote } of mergeTrees(tree.entries(), new RemoteTree(run).entries())) {
      run.signal.throwIfAborted();
      if (local !== undefined) await sendEntry(run, sender, { local, remote });
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

interface Sender {
  readonly pool: TaskPool;
  readonly reader: SmallFileReader;
}

interface EntryPair {
  readonly local: LocalEntry;
  readonly remote: RemoteFile | undefined;
}

/** Resolves as soon as the file is under way, or there is nothing to send. */
async function sendEntry(run: SyncRun, { pool, reader }: Sender, { local, remote }: EntryPair): Promise<void> {
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
      await sendFile(run, local, { remote, known, place, reader });
    } finally {
      // Where nothing new was found out, what was known is true still: it belongs to how the file looked.
      if (known !== undefined) place.keep(local, known);
      place.drop();
    }
  });
}
