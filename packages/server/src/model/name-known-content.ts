import type { ChangeDone, FileContent } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import type { FileRef } from "./commit-view.js";
import { isBackfilling, listHolders, listIds } from "./owing-nodes.js";

/**
 * Gives content that a version still refers to (current, or above the horizon) to a key. The bytes are where they
 * were, so this makes no new debts, with one exception: a node that is still being backfilled walks only entries older
 * than itself and would never meet the new one.
 */
export function nameKnownContent(draft: CommitDraft, ref: FileRef, content: FileContent): ChangeDone {
  const { namespace } = ref;
  const { digest, sizeBytes } = content;
  const version = draft.putFile(ref, content);
  const holders = listHolders(draft.nodes.values());
  const owing = holders.filter(isBackfilling);
  const copies = holders.length - owing.length;
  for (const node of owing) draft.addDebt({ node: node.id, namespace, digest, sizeBytes, copies, number: version });
  return {
    ...{ ok: true, version, modified: new Date(draft.timeMs), copies, holders: holders.length },
    ...{ owing: listIds(owing), replayed: false, content: { digest, sizeBytes } },
  };
}
