import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyPattern } from "./key-pattern.js";

function matches(pattern: string, key: string): boolean {
  return KeyPattern.parse(pattern)?.matches(key) === true;
}

describe("a pattern of keys", () => {
  it.each([
    ["photos/*.jpg", "photos/a.jpg", true],
    ["photos/*.jpg", "photos/.jpg", true],
    ["photos/*.jpg", "photos/2026/a.jpg", false],
    ["photos/*.jpg", "photos/a.jpg.old", false],
    ["photos/**", "photos/2026/a.jpg", true],
    ["photos/**", "photos/", true],
    ["**/a.jpg", "a.jpg", true],
    ["**/a.jpg", "x/y/a.jpg", true],
    ["**/a.jpg", "xa.jpg", false],
    ["a/**/b", "a/b", true],
    ["a/**/b", "a/x/y/b", true],
    ["a/**/b", "axb", false],
    ["a**b", "a/x/b", true],
    ["log-?", "log-1", true],
    ["log-?", "log-/", false],
    ["log-?", "log-\u{1f600}", true],
    ["[a-c]x", "bx", true],
    ["[a-c]x", "dx", false],
    ["[!a-c]x", "dx", true],
    ["[!a-c]x", "/x", false],
    ["[]x]*", "]yes", true],
    ["[-]*", "-", true],
    ["[open*", "[open-end", true],
    ["\\**", "*star", true],
    ["\\**", "no star", false],
    ["..//*", "..//odd", true],
  ])("%s and %s", (pattern, key, expected) => expect(matches(pattern, key)).toBe(expected));

  it("is none where there is no wildcard, and its own key where every wildcard is escaped", () => {
    expect(KeyPattern.parse("a\\b{c}")).toBeUndefined();
    expect(KeyPattern.parse("a\\*b\\\\")?.literal).toBe("a*b\\");
    expect(KeyPattern.parse("a*")?.literal).toBeUndefined();
  });

  it("knows how every match begins", () => {
    expect(KeyPattern.parse("photos/2026-*/x")?.prefix).toBe("photos/2026-");
    expect(KeyPattern.parse("**/x")?.prefix).toBe("");
    expect(KeyPattern.parse("a\\*b*")?.prefix).toBe("a*b");
  });

  it("takes its own text when escaped, with anything behind it", () => {
    const escape = (text: string) => text.replace(/[\\*?[]/g, "\\$&");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (text, more) => {
        expect(matches(`${escape(text)}?**`, `${text}x${more}`)).toBe(true);
        expect(matches(`${escape(text)}?**`, text)).toBe(false);
      }),
    );
  });

  it("takes no longer for a pattern that would send others astray", () => {
    expect(matches(`${"*a".repeat(50)}b`, "a".repeat(1000))).toBe(false);
  });
});
