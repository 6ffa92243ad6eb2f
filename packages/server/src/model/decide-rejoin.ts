import type { ChangeOutcome, FileContent, RejoinChange } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import { listHolders, listIds } from "./owing-nodes.js";
import { refuse } from "./refusal.js";

/** Says again what only one side of a fork said of a key; see `planJoin`. */
export function decideRejoin(draft: CommitDraft, change: RejoinChange): ChangeOutcome {
  const { namespace, forkedAt } = change;
  if (draft.namespaces.get(namespace) === undefined) {
    return refuse("namespace_not_found", `there is no namespace ${namespace}`);
  }
  const current = draft.findFile(change);
  const keepsCurrent = change.keepsCurrent || (current !== undefined && current.version > forkedAt);
  for (const state of change.states) {
    if (state.kind === "put") appendPut(draft, change, state.content);
    else if (draft.findFile(change) !== undefined) draft.removeFile(change);
  }
  if (keepsCurrent && current !== undefined) draft.putFile(change, current);
  else if (keepsCurrent && draft.findFile(change) !== undefined) draft.removeFile(change);
  const owing = listIds(listHolders(draft.nodes.values()));
  const version = draft.nextNumber - 1;
  const modified = new Date(draft.timeMs);
  return { ok: true, version, modified, copies: 0, holders: owing.length, owing, replayed: false };
}

/** Nobody knows which nodes have the bytes: each looks, and fetches what it lacks. */
function appendPut(draft: CommitDraft, { namespace, key }: RejoinChange, content: FileContent): void {
  const number = draft.putFile({ namespace, key }, content);
  const { digest, sizeBytes } = content;
  for (const { id } of listHolders(draft.nodes.values())) {
    draft.addDebt({ node: id, namespace, digest, sizeBytes, copies: 0, number });
  }
}
