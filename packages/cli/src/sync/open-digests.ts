import { join } from "node:path";
import type { CommandContext } from "../command-context.js";
import { findCacheFolder } from "./cache-folder.js";
import { DigestCache, type KnownDigests, NOTHING_KNOWN } from "./digest-cache.js";
import { lookAt } from "./file-stats.js";
import type { SyncNotices } from "./sync-notices.js";
import { describe } from "./system-failure.js";

export interface DigestsOptions {
  readonly env: CommandContext["env"];
  /** The folder that is synced. */
  readonly root: string;
  /** Believes nothing that was found out earlier. */
  readonly distrust: boolean;
  readonly notices: SyncNotices;
}

/** What is known of the folder's files. Where nothing can be kept that is told, and every file is read. */
export async function openDigests({ env, root, distrust, notices }: DigestsOptions): Promise<KnownDigests> {
  // A dry run may have no folder yet.
  if (lookAt(root, true) === undefined) return NOTHING_KNOWN;
  try {
    return await DigestCache.open({ folder: join(findCacheFolder(env), "sync"), root, distrust });
  } catch (cause) {
    notices.warn(`the digests of files cannot be remembered, so the next run reads them again: ${describe(cause)}`);
    return NOTHING_KNOWN;
  }
}

/** Keeps what was found out. `whole` says that every file of the folder was met. */
export async function closeDigests(digests: KnownDigests, whole: boolean, notices: SyncNotices): Promise<void> {
  try {
    await digests.close(whole);
  } catch (cause) {
    notices.warn(`the digests of files could not be remembered, so the next run reads them again: ${describe(cause)}`);
  }
}
