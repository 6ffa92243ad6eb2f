import { expect, it } from "vitest";
import { formatGroupFrames, parseGroupFrames } from "./group-frames.js";
import { putOf, setNamespaceOf } from "./test-changes.js";
import { ModelCatalog } from "./test-model-catalog.js";

function someGroups() {
  const catalog = new ModelCatalog();
  for (const change of [setNamespaceOf(), putOf("a"), putOf("b")]) catalog.commit([change]);
  return catalog.groups.map(({ first, last, hash, bytes }) => ({ first, last, hash, bytes }));
}

it("gives the groups back as they were", () => {
  const groups = someGroups();
  expect(parseGroupFrames(Buffer.concat(formatGroupFrames(groups)))).toEqual(groups);
  expect(parseGroupFrames(Buffer.alloc(0))).toEqual([]);
});

it("refuses what was cut off at any byte but between two groups", () => {
  const groups = someGroups();
  const whole = Buffer.concat(formatGroupFrames(groups));
  const ends = new Set([
    0,
    ...groups.map((_, index) => Buffer.concat(formatGroupFrames(groups.slice(0, index + 1))).length),
  ]);
  for (let end = 0; end < whole.length; end += 1) {
    const parse = () => parseGroupFrames(whole.subarray(0, end));
    if (ends.has(end)) expect(parse).not.toThrow();
    else expect(parse).toThrow("cut off");
  }
});
