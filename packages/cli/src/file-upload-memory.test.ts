import { mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileUploadMemory } from "./file-upload-memory.js";

const URL = "http://127.0.0.1:9876/v1/uploads/1";

let folder: string;
let memory: FileUploadMemory;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "koboldfs-memory-"));
  memory = new FileUploadMemory(join(folder, "cache", "uploads"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("FileUploadMemory", () => {
  it("finds what was kept last, until it is forgotten", async () => {
    expect(await memory.find("a")).toBeUndefined();
    await memory.keep("a", "http://127.0.0.1:1/v1/uploads/0");
    await memory.keep("a", URL);
    const next = new FileUploadMemory(join(folder, "cache", "uploads"));
    expect([await next.find("a"), await next.find("b")]).toEqual([URL, undefined]);
    await next.forget("a");
    await next.forget("a");
    expect(await memory.find("a")).toBeUndefined();
  });

  it("knows whether an upload is left for another process to go on with", async () => {
    expect(memory.isNeeded).toBe(false);
    await memory.keep("a", URL);
    expect(memory.isNeeded).toBe(true);
    const next = new FileUploadMemory(join(folder, "cache", "uploads"));
    await next.find("a");
    expect(next.isNeeded).toBe(true);
    await next.forget("a");
    expect(next.isNeeded).toBe(false);
  });

  it("is for its user alone", async () => {
    await memory.keep("a", URL);
    expect((await stat(join(folder, "cache", "uploads"))).mode & 0o077).toBe(0);
    expect((await stat(join(folder, "cache", "uploads", "a"))).mode & 0o077).toBe(0);
  });

  it("drops what no server keeps any more", async () => {
    await memory.keep("old", URL);
    await utimes(join(folder, "cache", "uploads", "old"), 1, 1);
    await memory.keep("new", URL);
    expect(await readdir(join(folder, "cache", "uploads"))).toEqual(["new"]);
  });

  it("remembers nothing where it may not write, and fails nothing for that", async () => {
    await writeFile(join(folder, "file"), "");
    const nowhere = new FileUploadMemory(join(folder, "file", "uploads"));
    await nowhere.keep("a", URL);
    expect(await nowhere.find("a")).toBeUndefined();
    await nowhere.forget("a");
  });
});
