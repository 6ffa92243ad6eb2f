import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeKey, formatFilePath } from "./file-address.js";

describe("file addresses", () => {
  it("give every key back when they are decoded", () => {
    const keys = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(keys, (key) => {
        expect(decodeURIComponent(encodeKey(key))).toBe(key);
      }),
    );
  });

  it.each(["a/../b", "a/./b", "..", ".", "../../etc/passwd", "a/..", "a//../b/"])(
    "show no step of %j to whoever folds steps",
    (key) => {
      expect(encodeKey(key).split("/")).not.toContain("..");
      expect(encodeKey(key).split("/")).not.toContain(".");
    },
  );

  it.each([
    ["a/b", "a/b"],
    ["a//b/", "a//b/"],
    ["/a", "/a"],
    ["100% sure?#1", "100%25%20sure%3F%231"],
    ["naïve/ü", "na%C3%AFve/%C3%BC"],
  ])("keep the slashes of %j and encode the rest", (key, encoded) => {
    expect(formatFilePath("demo", key)).toBe(`/v1/files/demo/${encoded}`);
  });
});
