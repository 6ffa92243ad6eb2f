/** What a placement decision needs to know of a node that may take a copy. */
export interface PlacementCandidate {
  readonly zone: string;
  readonly freeBytes: number;
  /** It failed a moment ago, whatever its heartbeats say. */
  readonly failedLately: boolean;
}

/**
 * Orders nodes as they should be asked to take a copy, the best first; none is left out.
 * Failed ones last; before that, other zones than the coordinator's first, so that one lost room costs no file; within
 * a zone by chance weighted with free space: a fixed order would send every put of the cluster to the emptiest node.
 * `random` answers numbers in [0, 1).
 */
export function orderForPlacement<T extends PlacementCandidate>(
  candidates: readonly T[],
  ownZone: string,
  random: () => number,
): T[] {
  return candidates
    .map((candidate) => ({ candidate, chance: weightedChance(candidate.freeBytes, random()) }))
    .sort(
      (a, b) =>
        Number(a.candidate.failedLately) - Number(b.candidate.failedLately) ||
        Number(a.candidate.zone === ownZone) - Number(b.candidate.zone === ownZone) ||
        b.chance - a.chance,
    )
    .map(({ candidate }) => candidate);
}

/**
 * Orders nodes as they should be asked for bytes: failed ones last, the own zone first because it is near, by chance
 * among equals so that readers spread.
 */
export function orderForReading<T extends PlacementCandidate>(
  candidates: readonly T[],
  ownZone: string,
  random: () => number,
): T[] {
  return candidates
    .map((candidate) => ({ candidate, chance: random() }))
    .sort(
      (a, b) =>
        Number(a.candidate.failedLately) - Number(b.candidate.failedLately) ||
        Number(b.candidate.zone === ownZone) - Number(a.candidate.zone === ownZone) ||
        b.chance - a.chance,
    )
    .map(({ candidate }) => candidate);
}

/**
 * Sorting by this, the biggest first, draws without replacement with probability in proportion to the weight
 * (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006), in logarithms so that terabytes do not
 * round to 1. A node without free space comes behind all that have some.
 */
function weightedChance(freeBytes: number, random: number): number {
  return freeBytes > 0 ? Math.log(Math.max(random, Number.MIN_VALUE)) / freeBytes : Number.NEGATIVE_INFINITY;
}
