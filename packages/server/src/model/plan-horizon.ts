/** What decides how much of a namespace's history is kept. */
export interface HorizonQuestion {
  /** Where the horizon is. */
  readonly current: number;
  /** The last journal number that is older than the retention. */
  readonly retained: number;
  /**
   * Journal numbers whose history something still needs: what was superseded above the lowest of them is kept. Nothing
   * holds it back yet; staged and prepared transactions will.
   */
  readonly holds: readonly number[];
}

/** Where the horizon shall move; undefined when it stays. It never moves back. */
export function planHorizon({ current, retained, holds }: HorizonQuestion): number | undefined {
  const target = Math.min(retained, ...holds);
  return target > current ? target : undefined;
}
