import { spawnSync } from "node:child_process";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SMALL_BYTES, SmallFileReader } from "./small-file.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "koboldfs-small-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the reader of small files", () => {
  it.each([0, 1, 4096, SMALL_BYTES])("gives the %d bytes of a file and how it looks", async (size) => {
    const content = Buffer.alloc(size, "0123456789");
    await writeFile(join(folder, "file"), content);
    const { bytes, stats } = new SmallFileReader().read(join(folder, "file"));
    expect(content.equals(bytes)).toBe(true);
    expect(stats.sizeBytes).toBe(size);
  });

  it("takes a file that outgrew it for one that changed", async () => {
    await writeFile(join(folder, "file"), "");
    await truncate(join(folder, "file"), SMALL_BYTES + 1);
    expect(() => new SmallFileReader().read(join(folder, "file"))).toThrow(
      expect.objectContaining({ code: "source_changed" }),
    );
  });

  it("does not wait for a pipe, reads no folder, and says of nothing that it is gone", () => {
    expect(spawnSync("mkfifo", [join(folder, "pipe")]).status).toBe(0);
    const reader = new SmallFileReader();
    expect(() => reader.read(join(folder, "pipe"))).toThrow(expect.objectContaining({ code: "source_unreadable" }));
    expect(() => reader.read(folder)).toThrow(expect.objectContaining({ code: "source_unreadable" }));
    expect(() => reader.read(join(folder, "none"))).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });
});
