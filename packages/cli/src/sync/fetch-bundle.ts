import type { GetManyResult } from "@koboldfs/client";
import { type FetchContext, fetchFile, keepFetched, needsHash } from "./fetch-file.js";
import { readFileTime } from "./file-time.js";
import { failFile, isOfOneFile, type RemoteFile, type SyncRun } from "./sync-run.js";
import { writeTarget } from "./target-file.js";

export interface WantedFile {
  readonly remote: RemoteFile;
  readonly context: FetchContext;
}

/** Up to this size a request by itself costs more than the bytes. */
const SMALL_BYTES = 64 * 1024;
/** What a job has in memory at once, as much as one file that is written in one piece. */
const BUNDLE_BYTES = 1024 * 1024;
/** Enough to make the request's share small; few enough that a short list keeps several jobs busy. */
const BUNDLE_FILES = 128;

/** Whether the file is better fetched together with others. */
export function isBundled({ dryRun }: SyncRun, { remote, context }: WantedFile): boolean {
  return !dryRun && remote.info.size <= SMALL_BYTES && !needsHash(remote.info, context);
}

/** Small files that wait to be fetched together. */
export class BundleQueue {
  #files: WantedFile[] = [];
  #bytes = 0;

  /** Takes a file; answers the full bundle that it completes. */
  add(file: WantedFile): WantedFile[] {
    this.#files.push(file);
    this.#bytes += file.remote.info.size;
    const isFull = this.#files.length === BUNDLE_FILES || this.#bytes + SMALL_BYTES > BUNDLE_BYTES;
    return isFull ? this.take() : [];
  }

  /** What waits still. */
  take(): WantedFile[] {
    const files = this.#files;
    this.#files = [];
    this.#bytes = 0;
    return files;
  }
}

/** As `fetchFile` for each, in one request. What that cannot bring is fetched by itself, which tells why it fails. */
export async function fetchBundle(run: SyncRun, files: readonly WantedFile[]): Promise<void> {
  const results = await requestBundle(run, files);
  for (const [index, file] of files.entries()) {
    run.signal.throwIfAborted();
    const result = results[index];
    if (result?.ok === true) keepOne(run, file, result);
    else await fetchFile(run, file.remote, file.context);
  }
}

async function requestBundle(run: SyncRun, files: readonly WantedFile[]): Promise<GetManyResult[]> {
  const names = files.map(({ remote }) => ({ key: remote.info.key, ifMatch: remote.info.digest }));
  try {
    return await run.client.getMany(names, { signal: run.signal });
  } catch (failure) {
    run.signal.throwIfAborted();
    if (isOfOneFile(failure)) return [];
    throw failure;
  }
}

function keepOne(run: SyncRun, { remote, context }: WantedFile, { info, bytes }: GetManyResult & { ok: true }): void {
  const target = { path: `${run.folder}/${remote.key}`, isNew: context.local === undefined };
  try {
    writeTarget(target.path, bytes, { isNew: target.isNew, modifiedMs: readFileTime(info) });
    keepFetched(run, target, { info, place: context.place });
  } catch (failure) {
    failFile(run, remote.key, failure);
  }
}
