import type { Change, ChangeRefused } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import { type FileRef, listFileRefs } from "./commit-view.js";
import { refuse } from "./refusal.js";
import type { KeyLock } from "./staged-change.js";

/**
 * Refuses what would change a key that a prepared transaction holds: its commit must not fail any more, nor undo what
 * another was told. Reads are never refused. A rejoin passes: it says again what was acknowledged before a failover,
 * and the commit comes after it. A staging passes too: what it would stage is asked for once its transaction goes on.
 */
export function findLocked(draft: CommitDraft, change: Change): ChangeRefused | undefined {
  const lock = findLock(draft, change);
  if (lock === undefined) return undefined;
  const { namespace, key, transaction } = lock;
  return refuse("key_locked", `${key} in ${namespace} is held by the prepared transaction ${transaction}`);
}

function findLock(draft: CommitDraft, change: Change): KeyLock | undefined {
  switch (change.kind) {
    case "restore-prefix":
      return draft.findLockBelow(change.namespace, change.prefix);
    case "drop-namespace":
      return draft.findLockBelow(change.namespace, "");
    case "copy":
      return draft.findLock({ namespace: change.namespace, key: change.to });
    case "rejoin":
    case "rejoin-transaction":
    case "stage":
      return undefined;
    default:
      return findFirstLock(draft, listFileRefs(change));
  }
}

function findFirstLock(draft: CommitDraft, refs: readonly FileRef[]): KeyLock | undefined {
  for (const ref of refs) {
    const lock = draft.findLock(ref);
    if (lock !== undefined) return lock;
  }
  return undefined;
}
