import fc from "fast-check";
import { normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { FolderClashFinder, findPathProblem } from "./safe-path.js";

describe("findPathProblem", () => {
  it.each(["../x", "a/../../x", "..", ".", "a/.", "/etc/passwd", "//a", "a//b", "a/", "", ".koboldfs-part-1-ab"])(
    "refuses %j",
    (key) => expect(findPathProblem(key)).toBeDefined(),
  );

  it.each(["a", "a/b", "..a", "a..", ".hidden", "a b/ü", "a\\b", "-rf", "a\nb"])("lets %j through", (key) => {
    expect(findPathProblem(key, "linux")).toBeUndefined();
  });

  it.each(["a\\..\\b", "c:x", "con?"])("refuses %j on Windows", (key) => {
    expect(findPathProblem(key, "win32")).toBeDefined();
  });

  it("lets through nothing that leaves the folder or means another path", () => {
    const segment = fc.constantFrom("", ".", "..", "a", "...", "b c");
    const keys = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => segments.join("/"));
    fc.assert(
      fc.property(keys, (key) => {
        if (findPathProblem(key) === undefined) expect(normalize(`/root/${key}`)).toBe(`/root/${key}`);
      }),
    );
  });
});

describe("the finder of folder clashes", () => {
  it("finds the keys that lie under another one, also with others between", () => {
    const finder = new FolderClashFinder();
    const keys = ["a", "a-b", "a-b/c", "a.txt", "a/b", "a/b/c", "aa", "b", "b/c"];
    expect(keys.map((key) => finder.find(key))).toEqual([
      undefined,
      undefined,
      "a-b",
      undefined,
      "a",
      "a",
      undefined,
      undefined,
      "b",
    ]);
  });
});
