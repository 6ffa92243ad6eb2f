import type { ChangeOutcome, DeleteChange } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import { preconditionHolds } from "./precondition.js";
import { refuse } from "./refusal.js";

export function decideDelete(draft: CommitDraft, change: DeleteChange): ChangeOutcome {
  if (draft.namespaces.get(change.namespace) === undefined) {
    return refuse("namespace_not_found", `there is no namespace ${change.namespace}`);
  }
  const file = draft.findFile(change);
  if (!preconditionHolds(change.precondition, file?.digest)) {
    return refuse("precondition_failed", `${change.key} is not in the demanded state`);
  }
  if (file === undefined) return refuse("not_found", `there is no file ${change.key}`);
  const version = draft.removeFile(change);
  return { ok: true, version, modified: new Date(draft.timeMs), copies: 0, holders: 0, owing: [], replayed: false };
}
