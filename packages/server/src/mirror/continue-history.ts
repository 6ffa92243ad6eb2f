import { KoboldError } from "@koboldfs/protocol";
import { formatGenesisHash, type JournalGroup } from "../model/journal-group.js";
import { type JournalPoint, verifyHistory } from "../model/journal-history.js";

/** Where the history of a cluster begins. */
export function findGenesis(clusterId: string): JournalPoint {
  return { number: 0, hash: formatGenesisHash(clusterId) };
}

/**
 * The groups that are new behind `head`, proven to continue it. Throws `mirror_behind` when one before them is missing,
 * `history_forked` when they do not belong to this history.
 */
export function continueHistory(
  head: JournalPoint,
  groups: readonly JournalGroup[],
  isKnown: (group: JournalGroup) => boolean,
): readonly JournalGroup[] {
  const old = groups.filter((group) => group.last <= head.number);
  const other = old.find((group) => !isKnown(group));
  if (other !== undefined) throw forked(other.last, "another group with this number is here");
  const fresh = groups.slice(old.length);
  const [first] = fresh;
  if (first !== undefined && first.first > head.number + 1) {
    throw new KoboldError("mirror_behind", `group ${first.first} came, and the mirror ends with ${head.number}`);
  }
  const check = verifyHistory(head, fresh);
  if (!check.ok) throw forked(check.at, check.reason);
  return fresh;
}

export function forked(at: number, reason: string): KoboldError {
  return new KoboldError("history_forked", `the journal's entry ${at} does not fit the mirror: ${reason}`);
}
