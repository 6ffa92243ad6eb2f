import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FilterRule, PathFilter } from "./path-filter.js";

/** `+*.jpg -*` as rules. */
function filter(text: string): PathFilter {
  const rules = text.split(" ").map((word): FilterRule => {
    return { kind: word.startsWith("+") ? "include" : "exclude", pattern: word.slice(1) };
  });
  return new PathFilter(rules);
}

const PATHS = ["a.jpg", "b.txt", "build/keep", "build/x.jpg", "src/a.jpg", "src/build/y", "src/deep/er/b.txt"];

describe("the filter of paths", () => {
  it.each([
    ["-*.jpg", ["b.txt", "build/keep", "src/build/y", "src/deep/er/b.txt"]],
    ["+*.jpg", ["a.jpg", "build/x.jpg", "src/a.jpg"]],
    ["+/*.jpg", ["a.jpg"]],
    ["-build", ["a.jpg", "b.txt", "src/a.jpg", "src/deep/er/b.txt"]],
    ["-/build", ["a.jpg", "b.txt", "src/a.jpg", "src/build/y", "src/deep/er/b.txt"]],
    ["-/build/", ["a.jpg", "b.txt", "src/a.jpg", "src/build/y", "src/deep/er/b.txt"]],
    ["-keep/", PATHS],
    ["+/build/keep -build -b.txt", ["a.jpg", "build/keep", "src/a.jpg"]],
    ["-build +/build/keep", ["a.jpg", "b.txt", "src/a.jpg", "src/deep/er/b.txt"]],
    ["+src/**/b.txt -*", ["src/deep/er/b.txt"]],
    ["-src/*", ["a.jpg", "b.txt", "build/keep", "build/x.jpg"]],
    ["-*.{jpg,txt}", ["build/keep", "src/build/y"]],
    ["-[ab].???", ["build/keep", "build/x.jpg", "src/build/y"]],
  ])("%s lets through what its first fitting rule says", (rules, expected) => {
    expect(PATHS.filter((path) => filter(rules).includes(path))).toEqual(expected);
  });

  it("takes everything without rules", () => {
    const all = new PathFilter([]);
    expect(PATHS.every((path) => all.includes(path) && !all.prunes(path))).toBe(true);
    expect(all.isActive).toBe(false);
  });

  it("skips a folder only when nothing inside it can take part", () => {
    expect(filter("-build").prunes("src/build")).toBe(true);
    expect(filter("-/build/").prunes("src/build")).toBe(false);
    expect(filter("+/build/keep -build").prunes("build")).toBe(false);
    const pattern = fc.constantFrom("*", "a", "/a", "a/b", "b/", "/a/*", "a/**", "*.x", "**/b/*.x");
    const kind = fc.constantFrom("include" as const, "exclude" as const);
    const part = fc.constantFrom("a", "b", "c.x", ".d");
    const parts = fc.array(part, { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(fc.record({ kind, pattern }), { maxLength: 4 }), parts, (rules, path) => {
        const some = new PathFilter(rules);
        const pruned = path.some((_, index) => index > 0 && some.prunes(path.slice(0, index).join("/")));
        if (pruned) expect(some.includes(path.join("/"))).toBe(false);
      }),
    );
  });

  it("takes a backslash for an escape, and every other character but * ? [ ] { } for itself", () => {
    const character = fc.oneof(
      fc.constantFrom(...Array.from("!#()|+@^$.-~ \n'\"%")),
      fc.string({ unit: "grapheme", maxLength: 1 }),
    );
    const name = fc.array(character, { minLength: 1, maxLength: 6 }).map((all) => all.join(""));
    fc.assert(
      fc.property(name, (text) => {
        fc.pre(!text.includes("/") && !/^\.{0,2}$/.test(text));
        const escaped = text.replace(/[\\*?[\]{}]/g, "\\$&");
        expect(new PathFilter([{ kind: "include", pattern: `/${escaped}` }]).includes(text)).toBe(true);
      }),
    );
    expect(filter("+/\\*").includes("a")).toBe(false);
  });

  it.each(["", "/", "//"])("refuses the pattern %j, which says nothing", (pattern) => {
    expect(() => new PathFilter([{ kind: "exclude", pattern }])).toThrow("needs a pattern");
  });
});
