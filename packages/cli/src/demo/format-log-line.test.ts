import { describe, expect, it } from "vitest";
import { formatLogLine } from "./format-log-line.js";

const TIME = "2025-01-02T03:04:05.678Z";

function format(entry: object): string {
  return formatLogLine(JSON.stringify({ time: TIME, ...entry }), false);
}

describe("formatLogLine", () => {
  it("shows time and sentence of a usual line, and none of its fields", () => {
    expect(format({ level: "info", msg: "node kobold2 is alive", peer: "kobold2" })).toMatch(
      /^\d\d:04:05 {2}node kobold2 is alive$/,
    );
  });

  it("shows the level of others, and what the error says", () => {
    const err = { message: "it does not answer", stack: "at nowhere" };
    expect(format({ level: "warn", msg: "the catalog is away", err })).toMatch(
      / {2}warn: the catalog is away: it does not answer$/,
    );
  });

  it("passes on what is no line of the log", () => {
    expect(formatLogLine("koboldfs: volume_in_use: …", false)).toBe("koboldfs: volume_in_use: …");
    expect(formatLogLine("{broken", false)).toBe("{broken");
  });
});
