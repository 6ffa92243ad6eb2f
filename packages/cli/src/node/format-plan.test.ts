import type { NodePlan } from "@koboldfs/client";
import { describe, expect, it } from "vitest";
import { formatDrain, formatPlan, formatSeconds, formatState } from "./format-plan.js";

const PLAN: NodePlan = {
  ...{ node: "beta", state: "down", order: "draining" },
  ...{ holders: ["alpha", "gamma"], filling: [] },
  ...{ owedFiles: 0, owedBytes: "0", onlyHereFiles: 0, onlyHereBytes: "0", isDispensable: true },
  ...{ stagedFiles: 0, stagedBytes: "0" },
};

describe("a plan for a node", () => {
  it("says who holds the files without it, and that nothing is missing there", () => {
    expect(formatPlan(PLAN)).toEqual([
      "beta is down (draining); without it alpha, gamma should hold every file",
      "every file is on all the others",
    ]);
  });

  it("says what is missing elsewhere, what is nowhere else, and who is not filled", () => {
    const lacking = { owedFiles: 3, owedBytes: "3072", onlyHereFiles: 1, onlyHereBytes: "1024", isDispensable: false };
    expect(formatPlan({ ...PLAN, ...lacking, filling: ["gamma"] }).slice(1)).toEqual([
      "not filled yet: gamma",
      "3 files (3.0 KiB) are on it and still missing on another node",
      "1 file (1.0 KiB) are known to be on it ONLY",
    ]);
    expect(formatPlan({ ...PLAN, holders: [] })[0]).toContain("without it no node should hold");
  });
});

describe("the progress of a drain", () => {
  it("tells the time left by the rate so far, and none before there is a rate", () => {
    const plan = { ...PLAN, owedFiles: 100, owedBytes: "1024" };
    expect(formatDrain(plan, { owedFiles: 200, seconds: 10 })).toBe(
      "draining beta: 100 files (1.0 KiB) to go, about 10 s left",
    );
    expect(formatDrain(plan, { owedFiles: 100, seconds: 10 })).toBe("draining beta: 100 files (1.0 KiB) to go");
    expect(formatDrain({ ...PLAN, filling: ["gamma"] }, { owedFiles: 0, seconds: 0 })).toContain("gamma not filled");
  });
});

describe("formatState", () => {
  it("shows the order only where it says more than the state", () => {
    expect(formatState({ state: "alive", order: "alive" })).toBe("alive");
    expect(formatState({ state: "down", order: "alive" })).toBe("down");
    expect(formatState({ state: "draining", order: "draining" })).toBe("draining");
  });
});

describe("formatSeconds", () => {
  it.each([
    [0.2, "1 s"],
    [600, "10 min"],
    [9_000, "2.5 h"],
    [864_000, "10.0 d"],
  ])("tells %d seconds as %s", (seconds, text) => expect(formatSeconds(seconds)).toBe(text));
});
