import type {
  ChangeDone,
  ChangeOutcome,
  ChangeRefused,
  FileContent,
  FileRecord,
  RestoreChange,
  RestorePrefixChange,
  UndeleteChange,
} from "./change.js";
import { type CommitDraft, isExpired, sizeOfEntry } from "./commit-draft.js";
import { type FileRef, type KeyDifference, MAX_RESTORED_KEYS } from "./commit-view.js";
import { nameKnownContent } from "./name-known-content.js";
import { preconditionHolds } from "./precondition.js";
import { checkQuota } from "./quota.js";
import { refuse } from "./refusal.js";
import { addUsage, type Usage, usageChange } from "./usage.js";

export function decideUndelete(draft: CommitDraft, change: UndeleteChange): ChangeOutcome {
  const { namespace, key, precondition } = change;
  if (draft.namespaces.get(namespace) === undefined) {
    return refuse("namespace_not_found", `there is no namespace ${namespace}`);
  }
  const current = draft.findFile(change);
  if (!preconditionHolds(precondition, current?.digest)) return notInState(key);
  if (current !== undefined) return refuse("not_deleted", `there is a file ${key}`);
  const last = findUndeleted(draft, change);
  if (last === undefined) return refuse("not_found", `nothing of ${key} can be brought back`);
  return nameAgain(draft, change, last);
}

/** A file that has expired and is not deleted yet is what would be undeleted a moment later. */
export function findUndeleted(draft: CommitDraft, change: UndeleteChange): FileRecord | undefined {
  const horizon = draft.namespaces.get(change.namespace)?.horizon ?? 0;
  return draft.findStoredFile(change) ?? draft.listFormers(change).find((one) => one.supersededBy > horizon);
}

export function decideRestore(draft: CommitDraft, change: RestoreChange): ChangeOutcome {
  const { namespace, key, version, precondition } = change;
  if (draft.namespaces.get(namespace) === undefined) {
    return refuse("namespace_not_found", `there is no namespace ${namespace}`);
  }
  const content = findRestored(draft, change);
  if (content === undefined) return refuse("version_not_found", `there is no version ${version} of ${key}`);
  if (!preconditionHolds(precondition, draft.findFile(change)?.digest)) return notInState(key);
  return nameAgain(draft, change, content);
}

/** Takes room where the key names nothing, or something smaller. */
function nameAgain(draft: CommitDraft, ref: FileRef, content: FileRecord): ChangeOutcome {
  const growth = usageChange(draft.findStoredFile(ref)?.sizeBytes, content.sizeBytes);
  return checkQuota(draft, ref.namespace, growth) ?? nameKnownContent(draft, ref, withTimeLeft(draft, content));
}

export function findRestored(draft: CommitDraft, change: RestoreChange): FileRecord | undefined {
  const current = draft.findStoredFile(change);
  if (current?.version === change.version) return current;
  const horizon = draft.namespaces.get(change.namespace)?.horizon ?? 0;
  return draft.listFormers(change).find((one) => one.version === change.version && one.supersededBy > horizon);
}

/**
 * Looks at everything before it writes anything: all of it becomes true in this commit, or nothing. `maxBytes` is what
 * a commit takes in the journal.
 */
export function decideRestorePrefix(draft: CommitDraft, change: RestorePrefixChange, maxBytes: number): ChangeOutcome {
  if (draft.entries.length > 0)
    throw new Error("a prefix is restored in a group of its own: what differs is read once");
  const refusal = checkMoment(draft, change);
  if (refusal !== undefined) return refusal;
  const differences = draft.differences.filter((difference) => isChanged(difference, change));
  const sizeBytes = differences.reduce((sum, { key, was }) => sum + sizeOfEntry(key, was), 0);
  if (draft.differences.length > MAX_RESTORED_KEYS || sizeBytes > maxBytes) {
    const message = `more than ${Math.min(differences.length, MAX_RESTORED_KEYS)} keys below ${change.prefix} changed`;
    return refuse("too_large", `${message}: too much for one commit; restore longer prefixes, one after the other`);
  }
  const full = checkQuota(draft, change.namespace, sumGrowth(differences, change));
  return full ?? restoreAll(draft, change, differences);
}

function checkMoment(draft: CommitDraft, { namespace, asOf }: RestorePrefixChange): ChangeRefused | undefined {
  const row = draft.namespaces.get(namespace);
  if (row === undefined) return refuse("namespace_not_found", `there is no namespace ${namespace}`);
  if (asOf.number >= draft.nextNumber)
    return refuse("invalid_request", `the journal has not come to ${asOf.number} yet`);
  if (asOf.number < row.horizon) {
    return refuse("history_gone", `the history of ${namespace} begins at ${row.horizon}, not ${asOf.number}`);
  }
  return undefined;
}

function sumGrowth(differences: readonly KeyDifference[], change: RestorePrefixChange): Usage {
  return differences
    .map((difference) => usageChange(difference.now?.sizeBytes, wantedOf(difference, change)?.sizeBytes))
    .reduce(addUsage, { files: 0, bytes: 0n });
}

/** What the key shall name again: content that had expired by then was no file. */
function wantedOf({ was }: KeyDifference, { asOf }: RestorePrefixChange): FileRecord | undefined {
  return was === undefined || isExpired(was, asOf.timeMs) ? undefined : was;
}

function isChanged(difference: KeyDifference, change: RestorePrefixChange): boolean {
  const { now } = difference;
  const wanted = wantedOf(difference, change);
  if (now === undefined || wanted === undefined) return now !== wanted;
  const sameMetadata = JSON.stringify(now.metadata) === JSON.stringify(wanted.metadata);
  return now.digest !== wanted.digest || now.contentType !== wanted.contentType || !sameMetadata;
}

function restoreAll(
  draft: CommitDraft,
  change: RestorePrefixChange,
  differences: readonly KeyDifference[],
): ChangeDone {
  const { namespace } = change;
  const owing = new Set<ChangeDone["owing"][number]>();
  let restored = 0;
  for (const difference of differences) {
    const { key } = difference;
    const was = wantedOf(difference, change);
    if (was === undefined) {
      draft.removeFile({ namespace, key });
      continue;
    }
    for (const node of nameKnownContent(draft, { namespace, key }, withTimeLeft(draft, was)).owing) owing.add(node);
    restored += 1;
  }
  return {
    ...{ ok: true, version: draft.nextNumber - 1, modified: new Date(draft.timeMs), copies: 0, holders: 0 },
    ...{ owing: [...owing], replayed: false, counts: { restored, removed: differences.length - restored } },
  };
}

/** What was to expire before now would be gone again at once: whoever brings it back wants to have it. */
export function withTimeLeft(draft: CommitDraft, content: FileContent): FileContent {
  if (!isExpired(content, draft.timeMs)) return content;
  const { expiresMs: _, ...rest } = content;
  return rest;
}

function notInState(key: string): ChangeRefused {
  return refuse("precondition_failed", `${key} is not in the demanded state`);
}
