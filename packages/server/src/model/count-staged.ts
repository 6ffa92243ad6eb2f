import { sizeOfEntry } from "./commit-draft.js";
import type { StagedChange } from "./staged-change.js";
import type { TransactionRow } from "./transaction.js";

/** What a change takes in the entry that prepares it besides its content: where it is placed and what was seen. */
const STAGED_BYTES = 200;

/** About what the change takes in the journal when it is prepared. */
export function sizeOfStaged({ key, content, placedOn }: Pick<StagedChange, "key" | "content" | "placedOn">): number {
  return sizeOfEntry(key, content) + STAGED_BYTES + 20 * placedOn.length;
}

/** Bytes that the change keeps on disks: what had a name already lies there anyway. */
export function stagedBytesOf({ content, minCopies }: Pick<StagedChange, "content" | "minCopies">): number {
  return minCopies === undefined ? 0 : (content?.sizeBytes ?? 0);
}

/** What a transaction's row says of its changes, counted anew. */
export function countStaged(
  changes: readonly StagedChange[],
): Pick<TransactionRow, "changes" | "stagedBytes" | "entryBytes" | "usage"> {
  const usage: Record<string, number> = {};
  let [stagedBytes, entryBytes] = [0, 0];
  for (const change of changes) {
    const bytes = stagedBytesOf(change);
    usage[change.namespace] = (usage[change.namespace] ?? 0) + bytes;
    stagedBytes += bytes;
    entryBytes += sizeOfStaged(change);
  }
  return { changes: changes.length, stagedBytes, entryBytes, usage };
}
