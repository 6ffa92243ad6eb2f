import type { Tally } from "./step.js";

/** The parts of vitest's JSON report that we count. */
export interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

export interface VitestOutcome {
  readonly tally: Tally;
  /** Names of the skipped tests, which carry their reasons. */
  readonly skippedNames: readonly string[];
}

/**
 * Counts a vitest run. A file that could not be loaded is a failure though it has no tests, so is an exit code that no
 * failed test explains, and so is a run in which no test was executed.
 */
export function countVitest(report: VitestReport, exitCode: number): VitestOutcome {
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const passed = tests.filter((test) => test.status === "passed").length;
  const skipped = tests.filter((test) => test.status !== "passed" && test.status !== "failed");
  const brokenFiles = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  );
  const failed = tests.filter((test) => test.status === "failed").length + brokenFiles.length;
  const isUnexplained = failed === 0 && (exitCode !== 0 || passed === 0);
  return {
    tally: { passed, failed: isUnexplained ? 1 : failed, skipped: skipped.length },
    skippedNames: skipped.map((test) => test.fullName),
  };
}
