import { describe, expect, it } from "vitest";
import { findGrowth } from "./compare-counts.js";
import { measureCounts } from "./measure-counts.js";
import { NodeTrace } from "./node-trace.js";
import { NODE_MAJOR, readRecordedCounts } from "./recorded-counts.js";

const { nodeMajor, counts } = readRecordedCounts();
const strace = nodeMajor === NODE_MAJOR ? await NodeTrace.findStrace() : { skip: `recorded with Node ${nodeMajor}` };
const skip = typeof strace === "string" ? "" : ` (skipped: ${strace.skip})`;

describe(`the counts of one request${skip}`, () => {
  it.skipIf(typeof strace !== "string")(
    "flushes, system calls, questions to the databases and bytes allocated do not grow",
    async () => {
      const measured = await measureCounts(strace as string);
      // A table of nothing would let everything pass.
      expect(measured["put 4 KiB: its peer"]).toMatchObject({ "file flushes": expect.any(Number) });
      expect(findGrowth(counts, measured)).toEqual([]);
    },
  );
});
