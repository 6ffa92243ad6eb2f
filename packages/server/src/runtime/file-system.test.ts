import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FaultyFileSystem } from "./faulty-file-system.js";
import { systemFileSystem } from "./file-system.js";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "koboldfs-files-"));
  path = join(folder, "file");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the system's files", () => {
  it("take several chunks at once, and many more than the kernel takes", async () => {
    const file = await systemFileSystem.open(path, "create");
    const chunks = Array.from({ length: 3000 }, (_, index) => Buffer.from(`${index},`));
    await file.write(chunks);
    await file.write([Buffer.from("end")]);
    await file.syncData();
    await file.close();
    expect(await readFile(path, "utf8")).toBe(`${Buffer.concat(chunks).toString()}end`);
  });

  it("give what there is from a position on", async () => {
    await writeFile(path, "0123456789");
    const file = await systemFileSystem.open(path, "read");
    const target = Buffer.alloc(4);
    expect(await file.read(target, 3)).toBe(4);
    expect(target.toString()).toBe("3456");
    expect(await file.read(target, 8)).toBe(2);
    expect(await file.stat()).toEqual({ sizeBytes: 10, isFile: true, isFolder: false, modifiedMs: expect.any(Number) });
    await file.close();
  });

  it("are made only where there is none", async () => {
    await writeFile(path, "here");
    await expect(systemFileSystem.open(path, "create")).rejects.toMatchObject({ code: "EEXIST" });
    await expect(systemFileSystem.open(join(folder, "none"), "read")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("grow at their end when they are appended to, and can be cut off", async () => {
    await writeFile(path, "0123456789");
    const file = await systemFileSystem.open(path, "append");
    await file.truncate(4);
    await file.write([Buffer.from("ab"), Buffer.from("c")]);
    await file.close();
    expect(await readFile(path, "utf8")).toBe("0123abc");
    await expect(systemFileSystem.open(join(folder, "none"), "append")).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("tell how full their file system is", async () => {
    const room = await systemFileSystem.statfs(folder);
    expect(room.totalBytes).toBeGreaterThan(room.freeBytes);
    expect(room.freeBytes).toBeGreaterThan(0);
  });
});

describe("FaultyFileSystem", () => {
  it("fails the Nth call, once, and records all of them", async () => {
    const files = new FaultyFileSystem(systemFileSystem);
    files.arm({ failAt: 2, errno: "ENOSPC" });
    await files.mkdir(path);
    await expect(files.mkdir(join(path, "inner"))).rejects.toMatchObject({ code: "ENOSPC" });
    await files.mkdir(join(path, "inner"));
    expect(files.failedCall).toEqual({ call: "mkdir", path: join(path, "inner") });
    expect(files.calls).toHaveLength(3);
    expect(await readdir(path)).toEqual(["inner"]);
  });

  it("counts only the calls that match", async () => {
    const files = new FaultyFileSystem(systemFileSystem);
    files.arm({ failAt: 1, errno: "EIO", matches: ({ call }) => call === "rename" });
    await writeFile(path, "x");
    expect(await files.findStat(path)).toMatchObject({ sizeBytes: 1 });
    await expect(files.rename(path, `${path}2`)).rejects.toMatchObject({ code: "EIO" });
    expect(files.failed).toBe(true);
  });
});
