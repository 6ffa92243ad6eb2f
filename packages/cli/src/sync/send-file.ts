import { hash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { KoboldError, parseFileKey } from "@koboldfs/protocol";
import type { DigestPlace } from "./digest-cache.js";
import { lookAt, readStats } from "./file-stats.js";
import { formatFileTime } from "./file-time.js";
import { digestFile } from "./local-digest.js";
import type { LocalFile } from "./local-tree.js";
import { SMALL_BYTES, type SmallFileReader } from "./small-file.js";
import { failFile, type RemoteFile, type SyncRun } from "./sync-run.js";
import { isMissing } from "./system-failure.js";

/** A file that keeps changing while it is read is given up after this many tries. */
const MAX_TRIES = 3;
/**
 * A file that was written to less than a tick of the kernel's clock ago may be written to again without a trace, even
 * while it is read. Its tick is 10 ms at the most.
 */
const TICK_MS = 20;

export interface SendContext {
  readonly remote: RemoteFile | undefined;
  /** The local file's digest, from an earlier run. It only ever says that the stored file is another one. */
  readonly known: string | undefined;
  readonly place: DigestPlace;
  readonly reader: SmallFileReader;
}

/** Makes the namespace have the file, and tells what concerns this file alone. */
export async function sendFile(run: SyncRun, local: LocalFile, context: SendContext): Promise<void> {
  let file = local;
  for (let tries = 1; ; tries += 1) {
    try {
      if (Math.abs(Date.now() - file.modifiedMs) < TICK_MS) await pause(TICK_MS);
      return await sendOnce(run, file, context);
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

async function sendOnce(run: SyncRun, file: LocalFile, context: SendContext): Promise<void> {
  const { remote, known, reader } = context;
  const mayBeStored = remote?.info.size === file.sizeBytes && known === undefined;
  if (run.dryRun && !mayBeStored) return countPut(run, file);
  if (file.sizeBytes <= SMALL_BYTES && !reader.isSlow()) return sendSmall(run, file, { ...context, mayBeStored });
  if (mayBeStored && isSame(run, { ...file, digest: await digestFile(file.path, file.sizeBytes, run.signal) }, context))
    return;
  if (run.dryRun) return countPut(run, file);
  await putFile(run, file, { content: file.path, place: context.place });
}

/** Reads the file once, whether it has to be sent or only compared. */
async function sendSmall(
  run: SyncRun,
  file: LocalFile,
  context: SendContext & { readonly mayBeStored: boolean },
): Promise<void> {
  const { bytes, stats } = context.reader.read(file.path);
  const current = { ...file, ...stats };
  if (context.mayBeStored && isSame(run, { ...current, digest: hash("sha256", bytes, "hex") }, context)) return;
  if (run.dryRun) return countPut(run, current);
  await putFile(run, current, { content: bytes, place: context.place });
}

interface ReadFile extends LocalFile {
  readonly digest: string;
}

/** Whether the namespace has this content already, which was read to find that out. */
function isSame(run: SyncRun, file: ReadFile, { remote, place }: SendContext): boolean {
  const { digest } = file;
  run.tally.hashed += 1;
  if (digest !== remote?.info.digest) return false;
  place.keep(file, digest);
  run.tally.skip(file.sizeBytes);
  return true;
}

interface Sending {
  /** The bytes, or the path to read them from. */
  readonly content: Uint8Array | string;
  readonly place: DigestPlace;
}

async function putFile(run: SyncRun, file: LocalFile, { content, place }: Sending): Promise<void> {
  const options = { signal: run.signal, metadata: formatFileTime(file.modifiedMs) };
  const put = (onProgress: (bytes: number) => void) =>
    run.client.put(run.prefix + file.key, content, { ...options, onProgress });
  const reply = await run.tally.watch(put);
  // How it looked before it was read: if it was written to since, it looks otherwise now.
  place.keep(file, reply.digest);
  run.tally.transfer(reply.size);
}

/** What a dry run does in place of a put. Throws `invalid_key` as the put would. */
function countPut(run: SyncRun, file: LocalFile): void {
  parseFileKey(run.prefix + file.key);
  run.tally.transfer(file.sizeBytes);
}
