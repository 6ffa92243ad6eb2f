/** One thing that a run does. */
export interface Step {
  readonly name: string;
  /** Program and arguments, started in the root of the checkout. */
  readonly command: readonly string[];
  /** A vitest run: its own tests are counted instead of the step. */
  readonly isVitest?: boolean;
  /** Nothing behind it makes sense when it fails. */
  readonly isFoundation?: boolean;
}

/** What a step, or a whole run, came to. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NOTHING: Tally = { passed: 0, failed: 0, skipped: 0 };

export function addTallies(one: Tally, other: Tally): Tally {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  };
}

/** The closing line of a run. */
export function formatTally(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`;
}
