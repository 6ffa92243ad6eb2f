import { expect, it } from "vitest";
import { measureSource } from "./measure-source.js";

it("counts lines of files and of functions of every kind", () => {
  const text = [
    "function a() {",
    "  return 1;",
    "}",
    "const b = () => 2;",
    "class C {",
    "  d() {",
    "  }",
    "}",
    "",
  ].join("\n");
  const { lines, functions } = measureSource("a.ts", text);
  expect(lines).toBe(8);
  expect(functions).toEqual([
    { name: "a", line: 1, lines: 3 },
    { name: "b", line: 4, lines: 1 },
    { name: "d", line: 6, lines: 2 },
  ]);
});

it("does not count tests in what is around them, but in themselves", () => {
  const text = ["describe('x', () => {", "  it('y', () => {", "    y();", "    y();", "  });", "});"].join("\n");
  expect(measureSource("a.test.ts", text).functions.map((one) => one.lines)).toEqual([4, 2]);
});
