import { expect, it } from "vitest";
import { countRequests, middleMean } from "./count-requests.js";
import type { TraceEvent } from "./parse-trace.js";

const REQUESTS = 8;
/** One each 10 ms. */
const TIMES = { startsMs: Array.from({ length: REQUESTS }, (_, index) => index * 10), endMs: REQUESTS * 10 };

function eachRequest(what: string, times = 1): TraceEvent[] {
  return TIMES.startsMs.flatMap((startMs) =>
    Array.from({ length: times }, () => ({ atMs: startMs + 1, what, amount: 1 })),
  );
}

it("counts what every request does", () => {
  expect(countRequests([...eachRequest("file flushes", 3), ...eachRequest("queries")], TIMES)).toEqual({
    "file flushes": 3,
    queries: 1,
  });
});

it("does not count what falls into a few requests, nor what was before and after", () => {
  const heartbeats = [-5, 12, 12, 12, 55, 85].map((atMs) => ({ atMs, what: "queries", amount: 1 }));
  expect(countRequests([...eachRequest("queries"), ...heartbeats], TIMES)).toEqual({ queries: 1 });
});

it("counts what every other request does as half", () => {
  const everyOther = eachRequest("file flushes").filter((_, index) => index % 2 === 0);
  expect(countRequests(everyOther, TIMES)).toEqual({ "file flushes": 0.5 });
});

it("takes for allocated what the heap grew, leaving out requests in which it was collected", () => {
  const bytes = [100, 200, 300, 50, 150, 250, 350, 450, 550];
  const heap = bytes.map((amount, index) => ({ atMs: index * 10 - 5, what: "heap", amount }));
  expect(countRequests(heap, TIMES)).toEqual({ "allocated bytes": 100 });
});

it("takes the mean of the middle half", () => {
  expect(middleMean([900, 1, 2, 3, 4, 5, 6, 0])).toBe(3.5);
  expect(middleMean([])).toBe(0);
});
