import { describe, expect, it } from "vitest";
import { formatDuration } from "./durations.js";
import { type FileProgress, formatProgress } from "./format-progress.js";
import { RateMeter } from "./rate-meter.js";
import { widthOf } from "./text-width.js";

const MIB = 1024 ** 2;
const LARGE: FileProgress = { name: "backup.tar", doneBytes: 40 * MIB, totalBytes: 100 * MIB };

describe("the progress of one file", () => {
  const show = (file: FileProgress, columns: number) =>
    formatProgress({ active: [file], doneFiles: 0, doneBytes: 0, totalFiles: 1, rate: 2 * MIB }, { columns, rows: 24 });

  it("has a bar, rate and time left where there is room", () => {
    expect(show(LARGE, 100)).toEqual(["backup.tar  █████████░░░░░░░░░░░░░░░  40 %  40 MiB, 2.0 MiB/s, 30 s left"]);
  });

  it("has a shorter bar, then none, on narrow terminals, and keeps the end of the name", () => {
    expect(show({ ...LARGE, name: "a/long/way/to/the/backup.tar" }, 80)).toEqual([
      "a/long/way/to/the/backup.tar  █████░░░░░░░░░  40 %  40 MiB, 2.0 MiB/s, 30 s left",
    ]);
    expect(show({ ...LARGE, name: "a/long/way/to/the/backup.tar" }, 54)).toEqual([
      "…to/the/backup.tar  40 %  40 MiB, 2.0 MiB/s, 30 s left",
    ]);
  });

  it("tells what came of a stream whose end nobody knows", () => {
    expect(show({ name: "-", doneBytes: 6 }, 80)).toEqual(["-  6 B, 2.0 MiB/s"]);
  });

  it("fits where wide characters stand in the name", () => {
    for (const columns of [60, 80, 120]) {
      const [line = ""] = show({ ...LARGE, name: "写真".repeat(30) }, columns);
      expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
  });
});

describe("the progress of several files", () => {
  it("has a line for each under way, up to six, and one for all", () => {
    const active = Array.from({ length: 8 }, (_, index) => ({ name: `f${index}`, doneBytes: 5, totalBytes: 10 }));
    const run = { active, doneFiles: 12, doneBytes: 300, totalFiles: 40, totalBytes: 900, rate: 100 };
    expect(formatProgress(run, { columns: 79, rows: 24 })).toEqual([
      ...Array.from({ length: 6 }, (_, index) => `f${index}  ████████████░░░░░░░░░░░░  50 %  5 B`),
      "… and 2 more",
      "12 of 40 files, 300 B of 900 B, 100 B/s, 6 s left",
    ]);
    expect(formatProgress(run, { columns: 79, rows: 5 })).toHaveLength(4);
  });
});

describe("the rate", () => {
  it("is that of the last seconds", () => {
    const meter = new RateMeter();
    expect(meter.measure(0, 0)).toBeUndefined();
    for (let second = 1; second <= 20; second += 1) meter.measure(second * 1_000, second);
    expect(meter.measure(20_000 + 50, 25)).toBeLessThan(500);
  });

  it("is not negative when a transfer begins anew", () => {
    const meter = new RateMeter();
    meter.measure(1_000, 0);
    expect(meter.measure(0, 1)).toBe(0);
  });
});

describe("formatDuration", () => {
  it.each([
    [0.2, "1 s"],
    [59.5, "1 min"],
    [200, "3 min 20 s"],
    [7_500, "2 h 5 min"],
    [360_000, "4 d 4 h"],
  ])("tells %d seconds as %s", (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});
