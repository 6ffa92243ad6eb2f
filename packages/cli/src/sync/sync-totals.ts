import { LocalTree } from "./local-tree.js";
import { SyncNotices } from "./sync-notices.js";
import type { SyncTotals } from "./sync-progress.js";
import { RemoteTree, type SyncRun } from "./sync-run.js";

/**
 * Counts what the source has, beside the run and ahead of it, for the sake of the progress line alone: the run itself
 * does not wait for it. The totals grow while it counts. Ends with the signal, or quietly with a failure, which the run
 * meets too and tells.
 */
export async function countSource(run: SyncRun, direction: "up" | "down", totals: SyncTotals): Promise<void> {
  try {
    const sizes = direction === "up" ? sizesOfFolder(run) : sizesOfNamespace(run);
    for await (const sizeBytes of sizes) {
      run.signal.throwIfAborted();
      totals.files += 1;
      totals.bytes += sizeBytes;
    }
    totals.isComplete = true;
  } catch {
    totals.isComplete = false;
  }
}

async function* sizesOfFolder({ folder, filter, followLinks }: SyncRun): AsyncGenerator<number> {
  const unheard = new SyncNotices(() => undefined);
  for await (const entry of new LocalTree(folder, { filter, followLinks, notices: unheard }).entries()) {
    if (entry.kind === "file") yield entry.sizeBytes;
  }
}

async function* sizesOfNamespace(run: SyncRun): AsyncGenerator<number> {
  for await (const { info } of new RemoteTree(run).entries()) yield info.size;
}
