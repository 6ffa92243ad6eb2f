import { describe, expect, it } from "vitest";
import { parseEntityTags, preconditionHolds, strongDigests, weakDigests } from "./precondition.js";
import { digestOf } from "./test-changes.js";

const one = digestOf("one");
const two = digestOf("two");

describe("parseEntityTags", () => {
  it("reads a star, one tag, and lists with weak tags, spaces and empty elements", () => {
    expect(parseEntityTags(" * ")).toBe("*");
    expect(parseEntityTags(`"${one}"`)).toEqual([{ weak: false, value: one }]);
    expect(parseEntityTags(`, W/"${one}" ,\t,"${two}",`)).toEqual([
      { weak: true, value: one },
      { weak: false, value: two },
    ]);
  });

  it("reads tags of others, which may hold commas and nothing", () => {
    expect(parseEntityTags('"a,b", ""')).toEqual([
      { weak: false, value: "a,b" },
      { weak: false, value: "" },
    ]);
  });

  it.each(["", ",", one, `"${one}`, `"a" "b"`, `"a"b`, `w/"a"`, '"a", *', '"a b"', "*, *"])(
    "finds %s malformed",
    (header) => {
      expect(parseEntityTags(header)).toBeUndefined();
    },
  );
});

describe("entity tags", () => {
  it("count as digests strongly without the weak ones, weakly with them, and never when they are none of ours", () => {
    const tags = parseEntityTags(`W/"${one}", "${two}", "other"`) ?? [];
    expect(strongDigests(tags)).toEqual([two]);
    expect(weakDigests(tags)).toEqual([one, two]);
    expect([strongDigests("*"), weakDigests("*")]).toEqual(["*", "*"]);
  });
});

describe("preconditionHolds", () => {
  it("demands a file for If-Match, no file or another one for If-None-Match, and nothing when there is none", () => {
    expect(preconditionHolds(undefined, undefined)).toBe(true);
    expect(preconditionHolds({ ifMatch: "*" }, one)).toBe(true);
    expect(preconditionHolds({ ifMatch: "*" }, undefined)).toBe(false);
    expect(preconditionHolds({ ifMatch: [one] }, two)).toBe(false);
    expect(preconditionHolds({ ifMatch: [] }, one)).toBe(false);
    expect(preconditionHolds({ ifNoneMatch: "*" }, undefined)).toBe(true);
    expect(preconditionHolds({ ifNoneMatch: "*" }, one)).toBe(false);
    expect(preconditionHolds({ ifNoneMatch: [two] }, one)).toBe(true);
    expect(preconditionHolds({ ifMatch: [one], ifNoneMatch: [one] }, one)).toBe(false);
  });
});
