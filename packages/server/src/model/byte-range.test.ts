import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRange, type RangePlan } from "./byte-range.js";

/** RFC 9110 section 14.1.2 read aloud, byte by byte: which positions does the header name? */
function naive(header: string, sizeBytes: number): RangePlan {
  const spec = header.slice("bytes=".length);
  const [first = "", last = ""] = spec.split("-");
  if (first !== "" && last !== "" && Number(last) < Number(first)) return { kind: "whole" };
  const named: number[] = [];
  for (let position = 0; position < sizeBytes; position += 1) {
    const inside =
      first === ""
        ? position >= sizeBytes - Number(last)
        : position >= Number(first) && (last === "" || position <= Number(last));
    if (inside) named.push(position);
  }
  if (named.length === 0) return { kind: "unsatisfiable" };
  return { kind: "part", span: { start: named[0] ?? 0, end: (named.at(-1) ?? 0) + 1 } };
}

const position = fc.oneof(fc.nat(12).map(String), fc.constantFrom("9007199254740993", "99999999999999999999"));
const header = fc.oneof(
  fc.tuple(position, position).map(([first, last]) => `bytes=${first}-${last}`),
  position.map((first) => `bytes=${first}-`),
  position.map((last) => `bytes=-${last}`),
);

describe("parseRange", () => {
  it("names the bytes that the RFC names", () => {
    fc.assert(
      fc.property(header, fc.nat(10), (text, sizeBytes) => {
        expect(parseRange(text, sizeBytes)).toEqual(naive(text, sizeBytes));
      }),
    );
  });

  it("never leaves the file, whatever is asked", () => {
    fc.assert(
      fc.property(fc.oneof(header, fc.string()), fc.nat(100), (text, sizeBytes) => {
        const plan = parseRange(text, sizeBytes);
        if (plan.kind !== "part") return;
        expect(plan.span.start).toBeGreaterThanOrEqual(0);
        expect(plan.span.end).toBeGreaterThan(plan.span.start);
        expect(plan.span.end).toBeLessThanOrEqual(sizeBytes);
      }),
    );
  });

  it.each([
    undefined,
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=0-1,3-4",
    "lines=0-1",
    "bytes=5-2",
    "bytes=--1",
  ])("takes %j for the whole file", (text) => {
    expect(parseRange(text, 10)).toEqual({ kind: "whole" });
  });

  it("takes the unit's name in any case and spaces around the range", () => {
    expect(parseRange("Bytes= 0-1 ", 10)).toEqual({ kind: "part", span: { start: 0, end: 2 } });
  });
});
