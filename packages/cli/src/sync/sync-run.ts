import type { Client } from "@koboldfs/client";
import { type ErrorCode, type FileInfo, KoboldError } from "@koboldfs/protocol";
import type { SyncNotices } from "./sync-notices.js";
import type { SyncTally } from "./sync-tally.js";

/** What a run works with, in either direction. */
export interface SyncRun {
  readonly client: Client;
  /** Empty, or ending in a slash. */
  readonly prefix: string;
  readonly folder: string;
  readonly jobs: number;
  readonly delete: boolean;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly notices: SyncNotices;
  readonly tally: SyncTally;
}

/** A file of the namespace, under its key without the prefix. */
export interface RemoteFile {
  readonly key: string;
  readonly info: FileInfo;
}

export async function* listRemote(run: SyncRun): AsyncGenerator<RemoteFile> {
  for await (const info of run.client.list({ prefix: run.prefix, signal: run.signal })) {
    yield { key: info.key.slice(run.prefix.length), info };
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
]);

/** The local disk is full or may not be written: no file will do better. */
const HOPELESS = new Set(["ENOSPC", "EDQUOT", "EROFS"]);

/** Tells a failure that concerns this file alone; throws any other. */
export function failFile(run: SyncRun, key: string, failure: unknown): void {
  if (!(failure instanceof KoboldError) || !CODES_OF_ONE_FILE.has(failure.code)) throw failure;
  if (HOPELESS.has((failure.cause as NodeJS.ErrnoException | undefined)?.code ?? "")) throw failure;
  run.notices.fail(key, failure);
}
