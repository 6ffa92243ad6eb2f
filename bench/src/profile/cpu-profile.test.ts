import { expect, it } from "vitest";
import { type CpuProfile, stacksOf } from "./cpu-profile.js";

const node = (id: number, functionName: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url: functionName.startsWith("(") ? "" : `file:///${functionName}.js` },
  children,
});

const PROFILE: CpuProfile = {
  startTime: 1000,
  nodes: [node(1, "(root)", [2, 4]), node(2, "serve", [3]), node(3, "read"), node(4, "(idle)")],
  // At 1100 read, at 1200 idle, at 1300 read, at 1400 serve, at 1500 serve.
  samples: [3, 4, 3, 2, 2],
  timeDeltas: [100, 100, 100, 100, 100],
};

it("adds up equal stacks, outermost frame first, and leaves waiting out", () => {
  const stacks = stacksOf(PROFILE, { fromUs: 0, toUs: 10_000 });
  expect(stacks.map(({ frames, micros }) => [frames.map(({ name }) => name), micros])).toEqual([
    [["serve", "read"], 200],
    [["serve"], 100],
  ]);
});

it("takes only what was between two moments", () => {
  const stacks = stacksOf(PROFILE, { fromUs: 1150, toUs: 1350 });
  expect(stacks.map(({ frames, micros }) => [frames.at(-1)?.name, micros])).toEqual([["read", 100]]);
});
