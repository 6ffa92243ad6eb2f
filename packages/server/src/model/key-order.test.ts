import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareKeys, findPrefixSuccessor } from "./key-order.js";

const text = fc.string({ unit: "binary", maxLength: 8 });

describe("compareKeys", () => {
  it("orders as the UTF-8 bytes do", () => {
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(Math.sign(compareKeys(left, right))).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)));
      }),
    );
  });

  it("puts an emoji behind U+FFFD, where UTF-16 would not", () => {
    expect(compareKeys("\u{1F600}", "\uFFFD")).toBeGreaterThan(0);
    expect("\u{1F600}" < "\uFFFD").toBe(true);
  });
});

describe("findPrefixSuccessor", () => {
  it("is behind every key with the prefix, and nothing else comes between", () => {
    fc.assert(
      fc.property(text, text, (prefix, other) => {
        const successor = findPrefixSuccessor(prefix);
        const isBefore = successor === undefined || compareKeys(other, successor) < 0;
        const isFrom = compareKeys(other, prefix) >= 0;
        expect(isFrom && isBefore).toBe(other.startsWith(prefix));
      }),
      { numRuns: 2000 },
    );
  });

  it("steps over the surrogates and beyond the last code point", () => {
    expect(findPrefixSuccessor("a\uD7FF")).toBe("a\uE000");
    expect(findPrefixSuccessor("a\u{10FFFF}")).toBe("b");
    expect(findPrefixSuccessor("\u{10FFFF}\u{10FFFF}")).toBeUndefined();
    expect(findPrefixSuccessor("")).toBeUndefined();
    expect(findPrefixSuccessor("\uFFFF")).toBe("\u{10000}");
  });
});
