import { describe, expect, it } from "vitest";
import { SyncProgress } from "./sync-progress.js";
import { SyncTally } from "./sync-tally.js";

const MIB = 1024 * 1024;

describe("the progress of a sync", () => {
  it("tells files, share, rates and the time left", () => {
    const tally = new SyncTally();
    const progress = new SyncProgress(tally, { files: 400, bytes: 400 * MIB, isComplete: true });
    for (let file = 0; file < 100; file += 1) tally.transfer(MIB);
    expect(progress.format(10)).toBe(
      "100 of 400 files, 25 % of 400 MiB, 100 MiB moved, 10 MiB/s, 10 files/s, 30 s left",
    );
  });

  it("forgets how quick it was long ago, and counts what was passed over as done but not as moved", () => {
    const tally = new SyncTally();
    const progress = new SyncProgress(tally, { files: 1_100, bytes: 1_100, isComplete: true });
    for (let file = 0; file < 1_000; file += 1) tally.skip(1);
    expect(progress.format(1)).toContain("1,000 of 1,100 files, 90 % of 1.1 KiB, 0 B moved");
    for (let second = 2; second <= 21; second += 1) {
      tally.transfer(1);
      progress.format(second);
    }
    expect(progress.format(21)).toContain("1 file/s, 1 min 20 s left");
  });

  it("tells no time left while the source is being counted", () => {
    const tally = new SyncTally();
    const progress = new SyncProgress(tally, { files: 12_000, bytes: 1, isComplete: false });
    tally.transfer(2 * MIB);
    expect(progress.format(1)).toBe("1 file of at least 12,000, 2.0 MiB moved, 2.0 MiB/s, 1 file/s");
  });

  it("shows the bytes of files that are not complete yet, and takes them back when they fail", async () => {
    const tally = new SyncTally();
    const failed = tally.watch(async (onProgress) => {
      onProgress(10);
      onProgress(30);
      expect(tally.movedBytes).toBe(30);
      // Sent again from the beginning.
      onProgress(5);
      expect(tally.movedBytes).toBe(5);
      throw new Error("broken");
    });
    await expect(failed).rejects.toThrow("broken");
    expect(tally.movedBytes).toBe(0);
  });
});
