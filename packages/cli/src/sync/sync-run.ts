import type { NamespaceClient } from "@koboldfs/client";
import { type ErrorCode, type FileInfo, KoboldError } from "@koboldfs/protocol";
import type { KnownDigests } from "./digest-cache.js";
import type { PathFilter } from "./path-filter.js";
import type { SyncNotices } from "./sync-notices.js";
import type { SyncTally } from "./sync-tally.js";

/** What a run works with, in either direction. */
export interface SyncRun {
  readonly client: NamespaceClient;
  /** Empty, or ending in a slash. */
  readonly prefix: string;
  readonly folder: string;
  readonly jobs: number;
  readonly delete: boolean;
  readonly dryRun: boolean;
  /** Whether links in the folder count as what they point to. */
  readonly followLinks: boolean;
  readonly filter: PathFilter;
  readonly digests: KnownDigests;
  readonly signal: AbortSignal;
  readonly notices: SyncNotices;
  readonly tally: SyncTally;
}

/** A file of the namespace, under its key without the prefix. */
export interface RemoteFile {
  readonly key: string;
  readonly info: FileInfo;
}

/** The files below the prefix that take part, in the byte order of their keys. */
export class RemoteTree {
  readonly #run: SyncRun;
  /** Whether nothing at all was listed, not even what the filter leaves out: a wrong prefix looks so. */
  isEmpty = true;

  constructor(run: SyncRun) {
    this.#run = run;
  }

  async *entries(): AsyncGenerator<RemoteFile> {
    const { client, prefix, signal, filter } = this.#run;
    for await (const info of client.list({ prefix, signal })) {
      this.isEmpty = false;
      const key = info.key.slice(prefix.length);
      // A key that is the prefix itself is no name below it.
      if (key !== "" && !filter.includes(key)) continue;
      yield { key, info };
    }
  }
}

/** Failures of one file. Any other will meet the next file too, so it ends the run. */
const CODES_OF_ONE_FILE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "invalid_key",
  "not_found",
  "too_large",
  "precondition_failed",
  "digest_mismatch",
  "blob_unavailable",
  "blob_corrupt",
  "source_unreadable",
  "source_changed",
  "target_unwritable",
  "unsafe_key",
]);

/** The local disk is full or may not be written: no file will do better. */
const HOPELESS = new Set(["ENOSPC", "EDQUOT", "EROFS"]);

/** Whether the next file may well succeed. */
export function isOfOneFile(failure: unknown): failure is KoboldError {
  if (!(failure instanceof KoboldError) || !CODES_OF_ONE_FILE.has(failure.code)) return false;
  return !HOPELESS.has((failure.cause as NodeJS.ErrnoException | undefined)?.code ?? "");
}

/** Tells a failure that concerns this file alone; throws any other. */
export function failFile(run: SyncRun, key: string, failure: unknown): void {
  if (!isOfOneFile(failure)) throw failure;
  run.notices.fail(key, failure);
}

/**
 * Keeps `--delete` from emptying the target when there is nothing whatever at the source: a disk that is not mounted and
 * a prefix with a typing error look like that. Throws `source_empty`.
 */
export function refuseEmptySource(source: { readonly isEmpty: boolean }, name: string): void {
  if (!source.isEmpty) return;
  throw new KoboldError("source_empty", `there is nothing at all in ${name}, so nothing is deleted`);
}
