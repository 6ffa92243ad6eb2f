import { type FileInfo, KoboldError } from "@koboldfs/protocol";
import type { DigestPlace } from "./digest-cache.js";
import { readFileTime } from "./file-time.js";
import { digestFile } from "./local-digest.js";
import type { LocalEntry } from "./local-tree.js";
import { failFile, type RemoteFile, type SyncRun } from "./sync-run.js";
import { isMissing } from "./system-failure.js";
import { findWritten, refuseTaken, setTargetTime, writeTarget } from "./target-file.js";

/** Up to this size a file is written in one piece from memory: `jobs` of them are there at once. */
const WHOLE_BYTES = 1024 * 1024;
/** A file that is overwritten each time it is asked for is given up after this many tries. */
const MAX_TRIES = 3;

export interface FetchContext {
  /** What is at the file's place now. */
  readonly local: LocalEntry | undefined;
  /** Its digest, from an earlier run. It only ever says that the stored file is another one. */
  readonly known: string | undefined;
  readonly place: DigestPlace;
}

/** Where a file goes, and whether nothing was seen there. */
export interface Target {
  readonly path: string;
  readonly isNew: boolean;
}

/** Makes a file of the folder what the namespace has under its key. Tells what concerns this file alone. */
export async function fetchFile(run: SyncRun, { key, info }: RemoteFile, context: FetchContext): Promise<void> {
  try {
    if (await isHere(run, info, context)) return run.tally.skip(info.size);
    if (run.dryRun) return run.tally.transfer(info.size);
    const target = { path: `${run.folder}/${key}`, isNew: context.local === undefined };
    const fetched = await fetchCurrent(run, target, info);
    if (fetched === undefined) return run.notices.ignore(key, "it was deleted before it could be fetched");
    keepFetched(run, target, { info: fetched, place: context.place });
  } catch (failure) {
    run.signal.throwIfAborted();
    failFile(run, key, failure);
  }
}

/** Counts a file that is in its place now, and remembers what it is. */
export function keepFetched(run: SyncRun, { path }: Target, fetched: { info: FileInfo; place: DigestPlace }): void {
  const { info, place } = fetched;
  run.tally.transfer(info.size);
  const written = findWritten(path, info.size, readFileTime(info));
  if (written !== undefined) place.keep(written, info.digest);
}

/** Whether only reading what is in its place tells if that has this content already. */
export function needsHash(info: FileInfo, { local, known }: FetchContext): boolean {
  return local?.kind === "file" && local.sizeBytes === info.size && known === undefined;
}

/** Whether the folder has this content already. */
async function isHere(run: SyncRun, info: FileInfo, context: FetchContext): Promise<boolean> {
  const { local, place } = context;
  if (local?.kind !== "file" || !needsHash(info, context)) return false;
  run.tally.hashed += 1;
  try {
    if ((await digestFile(local.path, local.sizeBytes, run.signal)) !== info.digest) return false;
  } catch (failure) {
    run.signal.throwIfAborted();
    // It is gone, or cannot be read; in that case writing tells whether it can be replaced.
    if (isMissing(failure) || failure instanceof KoboldError) return false;
    throw failure;
  }
  place.keep(local, info.digest);
  return true;
}

/** Fetches what was listed, or what the key names now when that was overwritten since. Undefined when it is gone. */
async function fetchCurrent(run: SyncRun, target: Target, listed: FileInfo): Promise<FileInfo | undefined> {
  let info: FileInfo | undefined = listed;
  for (let tries = 1; info !== undefined; tries += 1) {
    try {
      return (await fetchVersion(run, target, info)) ? info : undefined;
    } catch (failure) {
      const overwritten = failure instanceof KoboldError && failure.code === "precondition_failed";
      if (!overwritten || tries === MAX_TRIES) throw failure;
      info = await run.client.stat(listed.key, { signal: run.signal });
    }
  }
  return undefined;
}

/** False when there is no such key any more. */
async function fetchVersion(run: SyncRun, { path, isNew }: Target, info: FileInfo): Promise<boolean> {
  const options = { ifMatch: info.digest, signal: run.signal };
  const modifiedMs = readFileTime(info);
  if (info.size > WHOLE_BYTES) {
    if (isNew) refuseTaken(path);
    const get = (onProgress: (bytes: number) => void) => run.client.get(info.key, path, { ...options, onProgress });
    if (!(await run.tally.watch(get))) return false;
    setTargetTime(path, modifiedMs);
    return true;
  }
  const bytes = await run.client.getBytes(info.key, options);
  if (bytes === undefined) return false;
  writeTarget(path, bytes, { isNew, modifiedMs });
  return true;
}
