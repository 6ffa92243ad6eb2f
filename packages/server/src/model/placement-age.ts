import type { ChangeRefused, PutChange } from "./change.js";
import type { CommitDraft } from "./commit-draft.js";
import { refuse } from "./refusal.js";

/**
 * A reaper needs an hour to believe that a blob is unreferenced; a placement that is named within ten minutes can
 * never be one that a reaper is about to take, however the two interleave. Looked at under the journal's lock, so that
 * a process that stood still on its way there is found out.
 */
export const MAX_PLACEMENT_AGE_MS = 10 * 60_000;
/** The catalog's clock may be set while a purge is obeyed; a second put costs less than a lost one. */
const CLOCK_SLACK_MS = 2000;

/** Refuses bytes that a node may have unlinked since they were placed: they must be sent again. */
export function checkPlacement(draft: CommitDraft, change: PutChange): ChangeRefused | undefined {
  const { namespace, content, placedOn, placedSinceMs } = change;
  const ageMs = placedSinceMs === undefined ? 0 : Math.max(0, draft.monotonicMs - placedSinceMs);
  if (ageMs > MAX_PLACEMENT_AGE_MS) return refuse("placement_expired", `placed ${Math.round(ageMs / 1000)} s ago`);
  const begunMs = draft.nowMs - ageMs - CLOCK_SLACK_MS;
  const orders = draft.listPurges({ namespace, digest: content.digest });
  // A node obeys a purge before it says so: what was placed there later is safe, anything else may be gone.
  const isInDoubt = orders.some(({ node, doneMs }) => placedOn.includes(node) && (doneMs ?? begunMs) >= begunMs);
  return isInDoubt ? refuse("placement_expired", "these bytes were purged while they were placed") : undefined;
}
