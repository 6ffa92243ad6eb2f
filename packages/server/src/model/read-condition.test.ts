import type { Digest } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { decideRead, ifRangeHolds } from "./read-condition.js";

const digest = "a".repeat(64) as Digest;
const other = "b".repeat(64);
const file = { digest, modified: new Date("2025-03-01T12:00:00.700Z") };
const same = "Sat, 01 Mar 2025 12:00:00 GMT";
const before = "Sat, 01 Mar 2025 11:59:59 GMT";

describe("decideRead", () => {
  it.each([
    [{}, "send"],
    [{ ifMatch: `"${digest}"` }, "send"],
    [{ ifMatch: `"${other}", "${digest}"` }, "send"],
    [{ ifMatch: "*" }, "send"],
    [{ ifMatch: `"${other}"` }, "precondition_failed"],
    [{ ifMatch: `W/"${digest}"` }, "precondition_failed"],
    [{ ifMatch: "nonsense" }, "malformed"],
    [{ ifNoneMatch: `"${digest}"` }, "not_modified"],
    [{ ifNoneMatch: `W/"${digest}"` }, "not_modified"],
    [{ ifNoneMatch: "*" }, "not_modified"],
    [{ ifNoneMatch: `"${other}"` }, "send"],
    [{ ifNoneMatch: '"' }, "malformed"],
    [{ ifModifiedSince: same }, "not_modified"],
    [{ ifModifiedSince: before }, "send"],
    [{ ifModifiedSince: "yesterday" }, "send"],
    [{ ifUnmodifiedSince: same }, "send"],
    [{ ifUnmodifiedSince: before }, "precondition_failed"],
    [{ ifUnmodifiedSince: "yesterday" }, "send"],
  ])("answers %j with %s", (conditions, verdict) => {
    expect(decideRead(conditions, file)).toBe(verdict);
  });

  it("lets entity tags outrank dates, and If-Match come first", () => {
    expect(decideRead({ ifMatch: `"${digest}"`, ifUnmodifiedSince: before }, file)).toBe("send");
    expect(decideRead({ ifNoneMatch: `"${other}"`, ifModifiedSince: same }, file)).toBe("send");
    expect(decideRead({ ifMatch: `"${other}"`, ifNoneMatch: `"${digest}"` }, file)).toBe("precondition_failed");
    expect(decideRead({ ifMatch: `"${digest}"`, ifNoneMatch: `"${digest}"` }, file)).toBe("not_modified");
  });
});

describe("ifRangeHolds", () => {
  it("holds for the very version only", () => {
    expect(ifRangeHolds(undefined, digest)).toBe(true);
    expect(ifRangeHolds(`"${digest}"`, digest)).toBe(true);
    expect(ifRangeHolds(`W/"${digest}"`, digest)).toBe(false);
    expect(ifRangeHolds(`"${other}"`, digest)).toBe(false);
  });

  it("never holds for a date: two versions may share a second", () => {
    expect(ifRangeHolds(same, digest)).toBe(false);
  });
});
