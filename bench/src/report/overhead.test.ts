import { expect, it } from "vitest";
import { formatOverhead, summarizeOverhead } from "./overhead.js";

it("takes the median of the differences within a round, not the difference of the medians", () => {
  const rounds = [
    { bareMicros: 100, clientMicros: 140 },
    { bareMicros: 300, clientMicros: 345 },
    { bareMicros: 101, clientMicros: 150 },
  ];
  const overhead = summarizeOverhead(rounds);
  expect(overhead).toEqual({ bareMicros: 101, clientMicros: 150, addedMicros: 45 });
  expect(formatOverhead(overhead)).toContain("added            45.0 µs");
  expect(() => summarizeOverhead([])).toThrow("no round");
});
