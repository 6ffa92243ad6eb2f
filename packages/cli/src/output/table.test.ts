import { describe, expect, it } from "vitest";
import { printable } from "./printable.js";
import { formatSize } from "./sizes.js";
import { formatTable } from "./table.js";

const COLUMNS = [{ title: "NAME" }, { title: "SIZE", align: "right" }, { title: "URL" }] as const;
const ROWS = [
  ["a", "10 B", "http://10.0.0.1:9876"],
  ["longer", "1.5 KiB", ""],
];

describe("a table", () => {
  it("has columns as wide as their content and nothing behind the last", () => {
    expect(formatTable(COLUMNS, ROWS)).toEqual([
      "NAME       SIZE  URL",
      "a          10 B  http://10.0.0.1:9876",
      "longer  1.5 KiB",
    ]);
  });

  it("is cut where a narrow terminal ends", () => {
    expect(formatTable(COLUMNS, ROWS, { width: 24 })[1]).toBe("a          10 B  http:/…");
  });
});

describe("printable", () => {
  it("leaves no character that moves a cursor, ends a line or turns the writing round", () => {
    expect(printable("a\u001b[2Jb\nc\u202ed\u0085e ü\u{1f600}")).toBe(
      "a\\u001b[2Jb\\u000ac\\u202ed\\u0085e ü\u{1f600}",
    );
  });
});

describe("formatSize", () => {
  it.each([
    [0, "0 B"],
    [1_023, "1023 B"],
    [1_024, "1.0 KiB"],
    [10_240, "10 KiB"],
    [1.5 * 1024 ** 3, "1.5 GiB"],
    [1024 ** 6, "1024 PiB"],
  ])("tells %d bytes as %s", (bytes, text) => expect(formatSize(bytes)).toBe(text));
});
