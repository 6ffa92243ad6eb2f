import { stat } from "node:fs/promises";
import { KoboldError } from "@koboldfs/protocol";
import { digestFile } from "./local-digest.js";
import { describe, isMissing, type LocalFile, LocalTree } from "./local-tree.js";
import { mergeTrees } from "./merge-trees.js";
import { failFile, listRemote, type RemoteFile, type SyncRun } from "./sync-run.js";
import { TaskPool } from "./task-pool.js";

/** A file that keeps changing while it is read is given up after this many tries. */
const MAX_TRIES = 3;
/** Deletions of one commit; the server takes no more. */
const MAX_BATCH = 1_000;

/** Makes the namespace, below the prefix, hold what the folder holds. */
export async function syncUp(run: SyncRun): Promise<void> {
  const tree = new LocalTree(run.folder, run.notices);
  const pool = new TaskPool(run.jobs);
  const doomed = new Deletions(run);
  try {
    for await (const { key, local, remote } of mergeTrees(tree.files(), listRemote(run))) {
      run.signal.throwIfAborted();
      if (local !== undefined) await pool.add(() => sendFile(run, local, remote));
      else if (run.delete && remote !== undefined) {
        // In an unreadable folder every file seems to be gone.
        if (tree.isComplete) await doomed.add(remote);
        else run.notices.ignore(key, "it is not deleted, because a folder could not be read");
      }
    }
    await doomed.flush();
    await pool.finish();
  } finally {
    await pool.settle();
  }
}

async function sendFile(run: SyncRun, local: LocalFile, remote: RemoteFile | undefined): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      const known = await compareFile(run, local, remote);
      if (known === "same") run.tally.skipped += 1;
      else await putFile(run, local, known);
      return;
    } catch (failure) {
      run.signal.throwIfAborted();
      if (isMissing(failure) || isMissing((failure as Error).cause ?? {})) {
        run.notices.ignore(local.key, "it vanished before it could be read");
        return;
      }
      const changed = failure instanceof KoboldError && failure.code === "source_changed";
      if (changed && tries < MAX_TRIES) continue;
      failFile(run, local.key, failure);
      return;
    }
  }
}

/** `same`, or the local digest where it had to be found out to say that it is another. */
async function compareFile(
  run: SyncRun,
  local: LocalFile,
  remote: RemoteFile | undefined,
): Promise<string | undefined> {
  if (remote === undefined || (await stat(local.path)).size !== remote.info.size) return undefined;
  try {
    const digest = await digestFile(local.path, run.signal);
    return digest === remote.info.digest ? "same" : digest;
  } catch (cause) {
    if (isMissing(cause)) throw cause;
    throw new KoboldError("source_unreadable", describe(cause), { cause });
  }
}

async function putFile(run: SyncRun, local: LocalFile, digest: string | undefined): Promise<void> {
  if (run.dryRun) {
    run.tally.transferred += 1;
    return;
  }
  const options = { signal: run.signal, ...(digest !== undefined && { digest }) };
  const reply = await run.client.put(run.prefix + local.key, local.path, options);
  run.tally.transferred += 1;
  run.tally.transferredBytes += reply.size;
}

/** Collects deletions and sends them in batches. A file that was overwritten since it was listed is left alone. */
class Deletions {
  readonly #run: SyncRun;
  #files: RemoteFile[] = [];

  constructor(run: SyncRun) {
    this.#run = run;
  }

  async add(file: RemoteFile): Promise<void> {
    if (this.#files.push(file) === MAX_BATCH) await this.flush();
  }

  async flush(): Promise<void> {
    const files = this.#files;
    this.#files = [];
    if (this.#run.dryRun) {
      this.#run.tally.deleted += files.length;
      return;
    }
    const operations = files.map(({ info }) => ({ op: "delete" as const, key: info.key, ifMatch: info.digest }));
    const results = await this.#run.client.batch(operations, { signal: this.#run.signal });
    for (const [index, result] of results.entries()) {
      if (result.ok) this.#run.tally.deleted += 1;
      else if (result.error.code !== "not_found") this.#run.notices.fail(files[index]?.key ?? "", result.error.detail);
    }
  }
}
