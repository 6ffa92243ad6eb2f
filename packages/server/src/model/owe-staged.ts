import type { NodeId } from "@koboldfs/protocol";
import type { CommitDraft } from "./commit-draft.js";
import { NODE_STATES } from "./node-state.js";
import { listHolders } from "./owing-nodes.js";
import type { StagedChange } from "./staged-change.js";

/**
 * Of the nodes on which it was placed, those that still count: a node that is dead is nobody's copy, and one that is
 * filled anew since may have lost its disks.
 */
export function listPlaced(draft: CommitDraft, { placedOn, stagedAt }: StagedChange): NodeId[] {
  return placedOn.filter((id) => {
    const node = draft.nodes.get(id);
    return node === undefined || (NODE_STATES[node.state].serves && node.joinedAt <= stagedAt);
  });
}

/** Makes every other holder owe the blob; answers who that is. It may have it by now: then its repair finds that out. */
export function owePlaced(draft: CommitDraft, change: StagedChange, number: number): NodeId[] {
  if (change.content === undefined) return [];
  const { digest, sizeBytes } = change.content;
  const { namespace } = change;
  const placed = new Set(listPlaced(draft, change));
  const owing = listHolders(draft.nodes.values()).filter(({ id }) => !placed.has(id));
  for (const { id: node } of owing) {
    draft.addDebt({ node, namespace, digest, sizeBytes, copies: placed.size, number });
  }
  return owing.map(({ id }) => id);
}
