import { expect, it } from "vitest";
import { countVitest } from "./vitest-report.js";

const file = (status: string, ...tests: string[]) => ({
  name: "a.test.js",
  status,
  assertionResults: tests.map((test, index) => ({ status: test, fullName: `test ${index}` })),
});

it("counts tests, not files, and names the skipped", () => {
  const report = { testResults: [file("passed", "passed", "passed", "pending"), file("failed", "failed", "passed")] };
  expect(countVitest(report, 1)).toEqual({
    tally: { passed: 3, failed: 1, skipped: 1 },
    skippedNames: ["test 2"],
  });
});

it("counts a file that could not be loaded as a failure", () => {
  const report = { testResults: [file("passed", "passed"), file("failed")] };
  expect(countVitest(report, 1).tally).toEqual({ passed: 1, failed: 1, skipped: 0 });
});

it("counts an error outside all tests as a failure", () => {
  expect(countVitest({ testResults: [file("passed", "passed")] }, 1).tally.failed).toBe(1);
});

it("counts a run without an executed test as a failure", () => {
  expect(countVitest({ testResults: [] }, 0).tally.failed).toBe(1);
  expect(countVitest({ testResults: [file("passed", "pending")] }, 0).tally.failed).toBe(1);
});
