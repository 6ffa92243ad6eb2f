import { describe, expect, it } from "vitest";
import { findGrowth, roundCounts } from "./compare-counts.js";

const PUT = "put 4 KiB: its peer";
const RECORDED = { [PUT]: { "file flushes": 3, queries: 23, "allocated bytes": 100_000 } };

describe("findGrowth", () => {
  it("says which count grew, from what to what, and how to record it", () => {
    expect(findGrowth(RECORDED, { [PUT]: { "file flushes": 4, queries: 23, "allocated bytes": 100_000 } })).toEqual([
      "put 4 KiB: its peer: file flushes of one request grew from 3 to 4; if that is meant, record it with 'npm run gate -- --record'",
    ]);
  });

  it("finds one more of many, one in every other request, and one of what there was none", () => {
    const grown = { "file flushes": 3.5, queries: 24, "allocated bytes": 121_000, "file stats": 1 };
    const names = findGrowth(RECORDED, { [PUT]: grown }).map((sentence) => /: ([a-z ]+) of one/.exec(sentence)?.[1]);
    expect(names).toEqual(["file flushes", "queries", "allocated bytes", "file stats"]);
  });

  it("lets pass what became less, and what differs from run to run", () => {
    expect(findGrowth(RECORDED, { [PUT]: { "file flushes": 2, queries: 23.2, "allocated bytes": 118_000 } })).toEqual(
      [],
    );
    expect(findGrowth(RECORDED, { [PUT]: {} })).toEqual([]);
  });

  it("misses what was recorded and is not counted any more", () => {
    expect(findGrowth(RECORDED, {})).toEqual(["put 4 KiB: its peer: recorded, but no longer counted"]);
  });
});

it("records calls to hundredths and bytes to hundreds", () => {
  expect(roundCounts({ [PUT]: { queries: 22.99666, "allocated bytes": 171_849.3 } })).toEqual({
    [PUT]: { queries: 23, "allocated bytes": 171_800 },
  });
});
