import { describe, expect, it } from "vitest";
import { checkHistory, type Observation } from "./check-history.js";

function put(startMs: number, endMs: number, digest: string, version?: number): Observation {
  return { kind: "put", key: "k", startMs, endMs, digest, version };
}

function get(startMs: number, endMs: number, digest?: string, version?: number): Observation {
  return { kind: "get", key: "k", startMs, endMs, digest, version };
}

describe("checkHistory accepts", () => {
  it("reads that follow the writes", () => {
    expect(checkHistory([put(0, 1, "a", 1), get(2, 3, "a", 1), put(4, 5, "b", 2), get(6, 7, "b", 2)])).toEqual([]);
  });

  it("a read beside a write that sees the old or the new version", () => {
    expect(checkHistory([put(0, 1, "a", 1), put(2, 9, "b", 2), get(3, 4, "a", 1), get(5, 6, "b", 2)])).toEqual([]);
  });

  it("a read of what an unanswered write wrote", () => {
    expect(checkHistory([put(0, 1, "a", 1), put(2, 3, "b"), get(4, 5, "b", 2)])).toEqual([]);
  });

  it("no file before anything was acknowledged", () => {
    expect(checkHistory([put(0, 5, "a", 1), get(1, 2), get(6, 7, "a", 1)])).toEqual([]);
  });

  it("numbers of other keys in between", () => {
    const other: Observation = { kind: "put", key: "other", startMs: 0, endMs: 9, digest: "o", version: 2 };
    expect(checkHistory([put(0, 1, "a", 1), other, put(2, 3, "b", 3), get(4, 5, "b", 3)])).toEqual([]);
  });
});

describe("checkHistory finds", () => {
  const cases: [string, Observation[], RegExp][] = [
    ["bytes of another version", [put(0, 1, "a", 1), get(2, 3, "b", 1)], /bytes are not that version's/],
    ["bytes that nobody put", [put(0, 1, "a", 1), get(2, 3, "x", 7)], /nobody put/],
    ["an unanswered write read before it began", [get(0, 1, "b", 2), put(2, 3, "b")], /nobody put/],
    ["a write read before it began", [get(0, 1, "b", 2), put(2, 3, "b", 2)], /had not begun|after version/],
    ["a stale read", [put(0, 1, "a", 1), put(2, 3, "b", 2), get(4, 5, "a", 1)], /after version 2/],
    ["a file that vanished", [put(0, 1, "a", 1), get(2, 3)], /version 0, after version 1/],
    [
      "reads that go back beside a write",
      [put(0, 1, "a", 1), put(2, 20, "b", 2), get(3, 4, "b", 2), get(5, 6, "a", 1)],
      /version 1, after version 2/,
    ],
    ["a later write with a lower number", [put(0, 1, "a", 5), put(2, 3, "b", 4)], /a put of k that began at 2/],
    ["one number given twice", [put(0, 5, "a", 1), put(1, 4, "b", 1)], /two puts were acknowledged as version 1/],
  ];

  it.each(cases)("%s", (_name, history, fault) => {
    expect(checkHistory(history).join("\n")).toMatch(fault);
  });
});
