import { rmdirSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { KoboldError } from "@koboldfs/protocol";
import { NOTHING_KNOWN } from "./digest-cache.js";
import { EmptiedFolders } from "./emptied-folders.js";
import { BundleQueue, fetchBundle, isBundled, type WantedFile } from "./fetch-bundle.js";
import { fetchFile } from "./fetch-file.js";
import { lookAt } from "./file-stats.js";
import { type LocalEntry, LocalTree } from "./local-tree.js";
import { mergeTrees } from "./merge-trees.js";
import { removeLitter } from "./part-litter.js";
import { FolderClashFinder, findPathProblem } from "./safe-path.js";
import { refuseEmptySource, type RemoteFile, RemoteTree, type SyncRun } from "./sync-run.js";
import { describe, isMissing } from "./system-failure.js";
import { TargetFolders } from "./target-folders.js";
import { TaskPool } from "./task-pool.js";

/** Makes the folder, which is there already unless this is a dry run, hold what the namespace holds below the prefix. */
export async function syncDown(run: SyncRun): Promise<void> {
  await new Download(run).run();
}

/** So many files wait until the folders in their places are removed. */
const MAX_DEFERRED = 1_000;

/** One run of `syncDown`. */
class Download {
  readonly #run: SyncRun;
  readonly #remote: RemoteTree;
  readonly #folders: TargetFolders;
  readonly #clashes = new FolderClashFinder();
  readonly #pool: TaskPool;
  readonly #bundle = new BundleQueue();
  readonly #emptied: EmptiedFolders;
  /** Files in whose places are folders that deletions may yet empty. */
  readonly #deferred: RemoteFile[] = [];
  /** Names under way, the same for all spellings that some systems take for one name. */
  readonly #underWay = new Set<string>();

  constructor(run: SyncRun) {
    this.#run = run;
    this.#remote = new RemoteTree(run);
    this.#folders = new TargetFolders(run.folder, run.dryRun);
    this.#pool = new TaskPool(run.jobs);
    this.#emptied = new EmptiedFolders(run.folder);
  }

  async run(): Promise<void> {
    const { signal, dryRun } = this.#run;
    try {
      for await (const { local, remote } of mergeTrees(this.#openTree(), this.#remote.entries())) {
        signal.throwIfAborted();
        if (remote !== undefined) await this.#fetch(remote, local);
        else if (local !== undefined) this.#leaveOrDelete(local);
      }
      await this.#start(this.#bundle.take());
      await this.#pool.finish();
      // Not before: a folder may be empty only because its first file is still on its way.
      if (!dryRun) this.#emptied.remove();
      await this.#fetchDeferred();
    } finally {
      await this.#pool.settle();
    }
  }

  /** A dry run may have no folder to compare with yet. */
  async *#openTree(): AsyncGenerator<LocalEntry> {
    const { folder, filter, followLinks, notices, dryRun } = this.#run;
    if (lookAt(folder, true) === undefined) return;
    // The folder is the target, so what killed downloads left there is ours to remove.
    const onPart = dryRun ? {} : { onPart: removeLitter };
    yield* new LocalTree(folder, { filter, followLinks, notices, ...onPart }).entries();
  }

  async #fetch(remote: RemoteFile, local: LocalEntry | undefined): Promise<void> {
    const { notices, digests, tally } = this.#run;
    const { key, info } = remote;
    const problem = this.#findProblem(key, local);
    if (problem !== undefined) return notices.fail(key, new KoboldError("unsafe_key", problem));
    if (local === undefined && this.#defers(remote)) return;
    const place = digests.reserve(key);
    const known = local?.kind === "file" ? await digests.find(key, local) : undefined;
    if (local?.kind === "file" && known === info.digest) {
      place.keep(local, known);
      return tally.skip(local.sizeBytes);
    }
    // Of two spellings of one name the second must see what the first one wrote.
    if (this.#underWay.has(foldName(key))) {
      await this.#start(this.#bundle.take());
      await this.#pool.settle();
    }
    this.#underWay.add(foldName(key));
    const wanted = { remote, context: { local, known, place } };
    await this.#start(isBundled(this.#run, wanted) ? this.#bundle.add(wanted) : [wanted]);
  }

  /** Begins to fetch these files, together. */
  async #start(files: readonly WantedFile[]): Promise<void> {
    if (files.length > 0) await this.#pool.add(() => this.#fetchAll(files));
  }

  async #fetchAll(files: readonly WantedFile[]): Promise<void> {
    const [first] = files;
    try {
      if (files.length === 1 && first !== undefined) await fetchFile(this.#run, first.remote, first.context);
      else await fetchBundle(this.#run, files);
    } finally {
      for (const file of files) this.#end(file);
    }
  }

  #end({ remote, context: { local, known, place } }: WantedFile): void {
    this.#underWay.delete(foldName(remote.key));
    // Where nothing new was found out, what was known is true still: it belongs to how the file looked.
    if (known !== undefined && local?.kind === "file") place.keep(local, known);
    place.drop();
  }

  /** Why the key must not be written; undefined when its folder is there and nothing is in the way. */
  #findProblem(key: string, local: LocalEntry | undefined): string | undefined {
    const problem = findPathProblem(key);
    if (problem !== undefined) return problem;
    const clash = this.#clashes.find(key);
    if (clash !== undefined) return `${JSON.stringify(clash)} is a file, so it cannot be a folder`;
    // What a link leads to is left alone: the file takes the place of the link itself.
    if (local?.kind === "special" || local?.kind === "unreadable")
      return `what is in its place is not replaced: ${local.reason}`;
    return this.#folders.open(dirname(key));
  }

  /** Whether the file has to wait for deletions, because there is a folder in its place. */
  #defers(remote: RemoteFile): boolean {
    if (!this.#run.delete || this.#run.dryRun || this.#deferred.length >= MAX_DEFERRED) return false;
    if (lookAt(`${this.#run.folder}/${remote.key}`, false)?.isDirectory() !== true) return false;
    this.#deferred.push(remote);
    return true;
  }

  async #fetchDeferred(): Promise<void> {
    for (const remote of this.#deferred) {
      this.#run.signal.throwIfAborted();
      removeEmptyFolder(`${this.#run.folder}/${remote.key}`);
      const place = NOTHING_KNOWN.reserve(remote.key);
      await this.#fetchAll([{ remote, context: { local: undefined, known: undefined, place } }]);
    }
  }

  #leaveOrDelete(local: LocalEntry): void {
    const { notices, tally, dryRun } = this.#run;
    if (!this.#run.delete) return;
    const { key, path } = local;
    refuseEmptySource(this.#remote, `${this.#run.client.namespace}/${this.#run.prefix}`);
    if (local.kind !== "file") return notices.ignore(key, `it is not deleted: ${local.reason}`);
    try {
      if (!dryRun) unlinkSync(path);
    } catch (cause) {
      if (!isMissing(cause)) notices.fail(key, `it cannot be deleted: ${describe(cause)}`);
      return;
    }
    tally.deleted += 1;
    this.#folders.noteDeleted(key);
    this.#emptied.note(key);
  }
}

function foldName(key: string): string {
  return key.normalize("NFC").toLowerCase();
}

/** When it cannot be removed, writing the file in its place tells why. */
function removeEmptyFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // It holds something that was not deleted.
  }
}
