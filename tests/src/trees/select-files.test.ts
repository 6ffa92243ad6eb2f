import { describe, expect, it } from "vitest";
import { REAL_TREE, selectFiles } from "./select-files.js";

describe("selectFiles", () => {
  it("answers the same files each time, others after a skip, and never fewer than asked for", () => {
    const first = selectFiles(REAL_TREE, 200);
    expect(selectFiles(REAL_TREE, 200)).toEqual(first);
    expect(selectFiles(REAL_TREE, 100, 100)).toEqual(first.slice(100));
    expect(() => selectFiles(REAL_TREE, 10_000_000)).toThrow(/has only/);
  });
});
