import type { ChangeOutcome, ExpireChange, FileRecord, PurgeChange } from "./change.js";
import { type CommitDraft, isExpired } from "./commit-draft.js";
import { MAX_PURGED_VERSIONS } from "./commit-view.js";
import { refuse } from "./refusal.js";

export function decidePurge(draft: CommitDraft, change: PurgeChange): ChangeOutcome {
  const { namespace, key, version } = change;
  if (draft.namespaces.get(namespace) === undefined) {
    return refuse("namespace_not_found", `there is no namespace ${namespace}`);
  }
  const versions = listPurged(draft, change);
  const [first] = versions;
  if (first === undefined && version !== undefined) {
    return refuse("version_not_found", `there is no version ${version} of ${key}`);
  }
  if (first === undefined) return refuse("not_found", `there is no version of ${key}`);
  for (const one of versions) draft.purgeVersion(one, one.digest);
  return {
    ...{ ok: true, version: draft.nextNumber - 1, modified: new Date(draft.timeMs), copies: 0, holders: 0 },
    ...{ owing: [], replayed: false, counts: { restored: 0, removed: versions.length } },
  };
}

/** The current one first, so that nothing can be read any more after the first of several commits. */
function listPurged(draft: CommitDraft, change: PurgeChange): FileRecord[] {
  const current = draft.findStoredFile(change);
  const all: FileRecord[] = [...(current === undefined ? [] : [current]), ...draft.listFormers(change)];
  const { version } = change;
  return version === undefined ? all.slice(0, MAX_PURGED_VERSIONS) : all.filter((one) => one.version === version);
}

export function decideExpire(draft: CommitDraft, change: ExpireChange): ChangeOutcome {
  const file = draft.findStoredFile(change);
  if (file === undefined || file.version !== change.version || !isExpired(file, draft.timeMs)) {
    return refuse("not_found", `version ${change.version} of ${change.key} is not there, or has not expired`);
  }
  const version = draft.removeFile(change);
  return { ok: true, version, modified: new Date(draft.timeMs), copies: 0, holders: 0, owing: [], replayed: false };
}
