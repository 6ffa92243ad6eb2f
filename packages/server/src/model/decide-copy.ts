import type { ChangeDone, ChangeOutcome, ChangeRefused, CopyChange, FileRecord, RenameChange } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import { isBackfilling, listHolders, listIds } from "./owing-nodes.js";
import { preconditionHolds } from "./precondition.js";
import { refuse } from "./refusal.js";

export function decideCopy(draft: CommitDraft, change: CopyChange): ChangeOutcome {
  const source = checkSource(draft, change);
  return "ok" in source ? source : nameCopy(draft, change, source);
}

export function decideRename(draft: CommitDraft, change: RenameChange): ChangeOutcome {
  if (change.from === change.to) return refuse("invalid_request", "a file cannot be renamed to its own key");
  const source = checkSource(draft, change);
  if ("ok" in source) return source;
  const done = nameCopy(draft, change, source);
  draft.removeFile({ namespace: change.namespace, key: change.from });
  return done;
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

/**
 * The bytes are where they were, so a copy makes no new debts, with one exception: a node that is still being
 * backfilled walks only entries older than itself and would never meet the new one.
 */
function nameCopy(draft: CommitDraft, change: CopyChange | RenameChange, source: FileRecord): ChangeDone {
  const { namespace, to } = change;
  const { digest, sizeBytes } = source;
  const version = draft.putFile({ namespace, key: to }, source);
  const holders = listHolders(draft.nodes.values());
  const owing = holders.filter(isBackfilling);
  const copies = holders.length - owing.length;
  for (const node of owing) draft.addDebt({ node: node.id, namespace, digest, sizeBytes, copies, number: version });
  return {
    ...{ ok: true, version, modified: new Date(draft.timeMs), copies, holders: holders.length },
    ...{ owing: listIds(owing), replayed: false, content: { digest, sizeBytes } },
  };
}
