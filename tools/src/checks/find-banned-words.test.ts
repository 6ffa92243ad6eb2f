import { expect, it } from "vitest";
import { findBannedWords } from "./find-banned-words.js";

it.each([
  ["packages/a/src/string-utils.ts", ""],
  ["packages/a/src/helpers.test.ts", ""],
  ["a.ts", "// TODO: later"],
  ["a.ts", "it.only('x', () => {});"],
  ["a.ts", "// biome-ignore lint: no"],
  ["a.ts", "// @ts-expect-error"],
])("finds what is banned in %s %s", (path, text) => {
  expect(findBannedWords(path, text)).toHaveLength(1);
});

it("leaves ordinary words alone", () => {
  expect(findBannedWords("packages/a/src/commons.ts", "const only = todoList.only(1); // the utility")).toEqual([]);
});
