import { randomBytes } from "node:crypto";
import { readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { UploadRecord } from "../../../model/upload.js";
import { FaultyFileSystem } from "../../../runtime/faulty-file-system.js";
import { systemFileSystem } from "../../../runtime/file-system.js";
import { buffersAfterCollection } from "../../conformance/memory.js";
import { appendTo, describeUploadStoreConformance, newUploadRecord, readText } from "../../upload-store-conformance.js";
import { openDiskVolumes } from "../open-volumes.js";
import { type MadeVolumes, makeVolumes, openOptions } from "../test-volumes.js";
import { DiskUploadStore } from "./disk-upload-store.js";

const MIB = 1024 * 1024;
const LATER_MS = 2e12;

async function uploadNames(directories: readonly string[]): Promise<string[]> {
  return (await Promise.all(directories.map((one) => readdir(join(one, "uploads"))))).flat();
}

async function keptBytes(directories: readonly string[]): Promise<number> {
  let sum = 0;
  for (const directory of directories) {
    const names = (await uploadNames([directory])).filter((name) => name.endsWith(".bytes"));
    for (const name of names) sum += (await stat(join(directory, "uploads", name))).size;
  }
  return sum;
}

describeUploadStoreConformance("DiskUploadStore", async () => {
  const made = await makeVolumes({ count: 2 });
  let { set } = made;
  return {
    store: new DiskUploadStore(set.volumes),
    reopen: async () => {
      set.close();
      set = await openDiskVolumes(openOptions(made.directories));
      return new DiskUploadStore(set.volumes);
    },
    keptBytes: () => keptBytes(made.directories),
    damage: async ({ id }) => {
      for (const directory of made.directories) {
        const path = join(directory, "uploads", `${id}.bytes`);
        const bytes = await readFile(path).catch(() => undefined);
        if (bytes !== undefined) await writeFile(path, bytes.fill("x", 0, 1));
      }
    },
    close: async () => {
      set.close();
      await made.close();
    },
  };
});

describe("uploads on disk", () => {
  let made: MadeVolumes;
  let files: FaultyFileSystem;
  let store: DiskUploadStore;
  beforeEach(async () => {
    files = new FaultyFileSystem(systemFileSystem);
    made = await makeVolumes({ count: 1, files });
    store = new DiskUploadStore(made.set.volumes);
  });
  afterEach(() => made.close());
  const inUploads = (name: string) => join(made.directories[0] ?? "", "uploads", name);

  it("begin again when the disk lost bytes that it had promised", async () => {
    const record = newUploadRecord(6);
    await store.create(record);
    const { append } = await appendTo(store, record, "abcd");
    await append.close();
    await truncate(inUploads(`${record.id}.bytes`), 3);
    const next = new DiskUploadStore(made.set.volumes);
    expect(await next.load()).toMatchObject([{ id: record.id, offset: 0, crc: 0 }]);
    expect(await new DiskUploadStore(made.set.volumes).load()).toMatchObject([{ offset: 0 }]);
  });

  it("do not count bytes that were written and not noted before the process died", async () => {
    const record = newUploadRecord(6);
    await store.create(record);
    const { append } = await appendTo(store, record, "abc");
    await append.close();
    await writeFile(inUploads(`${record.id}.bytes`), "zz", { flag: "a" });
    const next = new DiskUploadStore(made.set.volumes);
    const [found] = await next.load();
    expect(found?.offset).toBe(3);
    const { append: more, counted } = await appendTo(next, found!, "def");
    await more.close();
    expect(await readText(next, counted)).toBe("abcdef");
  });

  it("that make no sense, and bytes of none, are removed at start", async () => {
    const record = newUploadRecord(6);
    await store.create(record);
    const other = newUploadRecord(6);
    await writeFile(inUploads(`${other.id}.json`), "{");
    await writeFile(inUploads(`${other.id}.bytes`), "abc");
    await writeFile(inUploads(`${record.id}.new`), "half a rec");
    await writeFile(inUploads("stray"), "");
    expect(await new DiskUploadStore(made.set.volumes).load()).toEqual([record]);
    expect(await uploadNames(made.directories)).toEqual([`${record.id}.json`]);
  });

  it("are refused when their size does not fit beside what others still await", async () => {
    const { freeBytes } = await made.set.room();
    const half = Math.floor(freeBytes * 0.6);
    await store.create(newUploadRecord(half));
    await expect(store.create(newUploadRecord(half))).rejects.toMatchObject({ code: "disk_full" });
    expect(await uploadNames(made.directories)).toHaveLength(1);
  });

  it("never count what a failing disk did not take, whichever call fails", async () => {
    for (let failAt = 1; ; failAt += 1) {
      const record = newUploadRecord(6);
      await store.create(record);
      const { append: first, counted } = await appendTo(store, record, "abc");
      await first.close();
      files.arm({ failAt, errno: "ENOSPC" });
      const said = await appendSome(counted);
      const hasFailed = files.failed;
      files.arm(undefined);
      made.set.close();
      const set = await openDiskVolumes(openOptions(made.directories, files));
      store = new DiskUploadStore(set.volumes);
      const found = (await store.load()).find(({ id }) => id === record.id);
      expect(found?.offset, `call ${failAt} fails`).toBeGreaterThanOrEqual(said);
      expect(await readText(store, found!)).toBe("abcdef".slice(0, found?.offset));
      set.close();
      if (!hasFailed) break;
    }
  });

  /** Answers the offset that was said in the end. */
  async function appendSome(record: UploadRecord): Promise<number> {
    let said = record.offset;
    const append = await store.append(record).catch(() => undefined);
    try {
      await append?.write(Buffer.from("def"));
      said = (await append?.checkpoint(LATER_MS))?.offset ?? said;
    } catch (error) {
      expect(error).toMatchObject({ code: "disk_full" });
    }
    await append?.close();
    return said;
  }

  it("make a volume suspect whose fsync failed, and take no more until it is opened again", async () => {
    const record = newUploadRecord(6);
    await store.create(record);
    const append = await store.append(record);
    await append.write(Buffer.from("abc"));
    files.arm({ failAt: 1, errno: "EIO", matches: ({ call }) => call === "syncData" });
    await expect(append.checkpoint(LATER_MS)).rejects.toMatchObject({ code: "disk_failed" });
    await append.close();
    expect(made.set.volumes[0]?.isSuspect).toBe(true);
    await expect((async () => store.append(record))()).rejects.toMatchObject({ code: "disk_failed" });
    await expect(store.create(newUploadRecord(1))).rejects.toMatchObject({ code: "disk_failed" });
  });

  it("take 200 MiB with constant memory", { timeout: 120_000 }, async () => {
    const record = newUploadRecord(200 * MIB);
    await store.create(record);
    const append = await store.append(record);
    const before = buffersAfterCollection();
    let mostHeldBytes = 0;
    for (let sent = 0; sent < 200; sent += 1) {
      await append.write(randomBytes(MIB));
      if (sent % 10 === 9) mostHeldBytes = Math.max(mostHeldBytes, buffersAfterCollection() - before);
    }
    const whole = await append.checkpoint(LATER_MS);
    await append.close();
    let read = 0;
    for await (const piece of store.read(whole)) {
      read += piece.length;
      if (read % (10 * MIB) === 0) mostHeldBytes = Math.max(mostHeldBytes, buffersAfterCollection() - before);
    }
    expect(read).toBe(200 * MIB);
    expect(mostHeldBytes).toBeLessThan(24 * MIB);
  });
});
