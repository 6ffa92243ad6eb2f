import type { ChangeRefused } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import { listPlaced } from "./owe-staged.js";
import { checkQuota, growthOf } from "./quota.js";
import { refuse } from "./refusal.js";
import type { StagedChange } from "./staged-change.js";

/**
 * Why the changes cannot be committed as things are now, naming the key: what an open transaction is checked for when
 * it is prepared or committed. What this lets pass can be committed as long as its keys are locked.
 */
export function findConflict(draft: CommitDraft, changes: readonly StagedChange[]): ChangeRefused | undefined {
  for (const change of changes) {
    const refusal = findConflictOf(draft, change);
    if (refusal !== undefined) return refusal;
  }
  for (const [namespace, growth] of growthOf(draft, changes)) {
    const refusal = checkQuota(draft, namespace, growth);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function findConflictOf(draft: CommitDraft, change: StagedChange): ChangeRefused | undefined {
  const { namespace, key, transaction, seen } = change;
  const row = draft.namespaces.get(namespace);
  if (row === undefined) return refuse("transaction_conflict", `${key}: its namespace ${namespace} is gone`);
  const lock = draft.findLock(change);
  if (lock !== undefined && lock.transaction !== transaction) {
    return refuse("key_locked", `${key} in ${namespace} is held by the prepared transaction ${lock.transaction}`);
  }
  const version = draft.findFile(change)?.version ?? 0;
  if (seen !== undefined && seen !== version) {
    const was = seen === 0 ? "there was no file" : `it was version ${seen}`;
    const is = version === 0 ? "now there is none" : `now it is version ${version}`;
    return refuse("transaction_conflict", `${key} in ${namespace} changed since the transaction saw it: ${was}, ${is}`);
  }
  if (change.minCopies === undefined) return undefined;
  const placed = listPlaced(draft, change).length;
  const wanted = Math.max(change.minCopies, row.policy.minCopies);
  return placed < wanted
    ? refuse("too_few_copies", `${placed} nodes still have ${key} as it was staged, ${wanted} are demanded`)
    : undefined;
}
