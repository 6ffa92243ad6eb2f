import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findWritten, setTargetTime, writeTarget } from "./target-file.js";

const BYTES = Buffer.from("text");
const START_MS = Date.parse("2024-02-29T12:00:00Z");
/** Prime, so that every ending of a time comes. */
const STEP_MS = 617;

describe("a file that was written into the folder", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "koboldfs-target-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("has its time to the millisecond, whatever the millisecond is", () => {
    const path = join(folder, "file");
    writeTarget(path, BYTES, { isNew: true, modifiedMs: START_MS });
    for (let count = 0; count < 1_000; count += 1) {
      const modifiedMs = START_MS + count * STEP_MS;
      if (count % 2 === 0) setTargetTime(path, modifiedMs);
      else writeTarget(path, BYTES, { isNew: false, modifiedMs });
      expect(findWritten(path, BYTES.length, modifiedMs)?.modifiedMs).toBe(modifiedMs);
    }
    expect(readFileSync(path).equals(BYTES)).toBe(true);
  });

  it("does not take the place of another one that nobody saw there", () => {
    const path = join(folder, "taken");
    writeTarget(path, BYTES, { isNew: true, modifiedMs: START_MS });
    const write = () => writeTarget(path, Buffer.from("other"), { isNew: true, modifiedMs: START_MS });
    expect(write).toThrow(expect.objectContaining({ code: "unsafe_key" }));
    expect(readFileSync(path).equals(BYTES)).toBe(true);
  });
});
