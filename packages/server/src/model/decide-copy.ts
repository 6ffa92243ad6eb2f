import type { ChangeOutcome, ChangeRefused, CopyChange, FileRecord, RenameChange } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import type { FileRef } from "./commit-view.js";
import { nameKnownContent } from "./name-known-content.js";
import { preconditionHolds } from "./precondition.js";
import { checkQuota } from "./quota.js";
import { refuse } from "./refusal.js";
import { usageChange } from "./usage.js";

export function decideCopy(draft: CommitDraft, change: CopyChange): ChangeOutcome {
  const source = checkSource(draft, change);
  if ("ok" in source) return source;
  const target = targetOf(change);
  const growth = usageChange(draft.findStoredFile(target)?.sizeBytes, source.sizeBytes);
  return checkQuota(draft, change.namespace, growth) ?? nameKnownContent(draft, target, source);
}

export function decideRename(draft: CommitDraft, change: RenameChange): ChangeOutcome {
  if (change.from === change.to) return refuse("invalid_request", "a file cannot be renamed to its own key");
  const source = checkSource(draft, change);
  if ("ok" in source) return source;
  // A rename makes no namespace larger: no quota is asked.
  const done = nameKnownContent(draft, targetOf(change), source);
  draft.removeFile({ namespace: change.namespace, key: change.from });
  return done;
}

function targetOf({ namespace, to }: CopyChange | RenameChange): FileRef {
  return { namespace, key: to };
}

function checkSource(draft: CommitDraft, change: CopyChange | RenameChange): FileRecord | ChangeRefused {
  const { namespace, from, to, sourceMatch, precondition } = change;
  if (draft.namespaces.get(namespace) === undefined) {
    return refuse("namespace_not_found", `there is no namespace ${namespace}`);
  }
  const source = draft.findFile({ namespace, key: from });
  if (source === undefined) return refuse("not_found", `there is no file ${from}`);
  if (sourceMatch !== undefined && !preconditionHolds({ ifMatch: sourceMatch }, source.digest)) {
    return refuse("precondition_failed", `${from} is not in the demanded state`);
  }
  if (!preconditionHolds(precondition, draft.findFile({ namespace, key: to })?.digest)) {
    return refuse("precondition_failed", `${to} is not in the demanded state`);
  }
  return source;
}
