import type { ScrubPassInfo } from "@koboldfs/client";
import { describe, expect, it } from "vitest";
import { formatPassEnd, formatPasses, formatProof } from "./format-scrub.js";

const NONE = { "under-replicated": 0, missing: 0, corrupt: 0, orphaned: 0, misplaced: 0 };
const NOW_MS = Date.parse("2030-01-08T00:00:00Z");
const PASS: ScrubPassInfo = {
  state: "done",
  repairs: true,
  started: "2030-01-01T00:00:00.000Z",
  ended: "2030-01-01T00:01:05.000Z",
  progress: 1,
  files: 1200,
  bytes: 5 * 1024 * 1024,
  mended: 2,
  findings: NONE,
  listed: [],
};

describe("what is said of a scrub", () => {
  it("is how far each node is, while it runs", () => {
    const running = { ...PASS, state: "running" as const, progress: 0.405 };
    expect(formatPasses([{ node: "a", pass: running }, { node: "b", pass: PASS }, { node: "c" }])).toBe(
      "reading again: a 40 %, b done, c does not answer",
    );
  });

  it("is in the end what was read and found, and where", () => {
    expect(formatPassEnd({ node: "a", pass: PASS })).toEqual(["a: read 1,200 files, 5.0 MiB, in 1 min 5 s: all good"]);
    const findings = { ...NONE, corrupt: 1, missing: 2 };
    const listed = [
      { finding: "corrupt" as const, namespace: "demo", digest: "ab", path: "/srv/ab" },
      { finding: "missing" as const, namespace: "demo", digest: "cd\u001b[2J" },
    ];
    const [first, ...rest] = formatPassEnd({ node: "a", pass: { ...PASS, findings, listed } });
    expect(first).toContain("2 missing, 1 corrupt; 2 files put right on the disk");
    expect(rest[0]).toBe("  corrupt demo ab /srv/ab");
    expect(rest[1]).not.toContain("\u001b");
    expect(formatPassEnd({ node: "c" })).toEqual(["c: does not answer, and was not looked at"]);
  });

  it("is within how many days every copy was proven, or how many were so far", () => {
    const since = { proven: 0.5, provenSince: "2030-01-04T12:00:00Z", findings: NONE };
    expect(formatProof(since, NOW_MS)).toBe("every copy proven within 4 days");
    expect(formatProof({ ...since, provenSince: "2030-01-07T23:00:00Z" }, NOW_MS)).toBe(
      "every copy proven within 1 day",
    );
    const some = { proven: 0.257, findings: { ...NONE, corrupt: 3 } };
    expect(formatProof(some, NOW_MS)).toBe("25 % of the copies proven so far; found since it started: 3 corrupt");
  });
});
