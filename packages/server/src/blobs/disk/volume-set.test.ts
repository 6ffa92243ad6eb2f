import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseNamespaceName } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemFileSystem } from "../../runtime/file-system.js";
import type { BlobStore } from "../blob-store.js";
import { refOf } from "../conformance/test-blobs.js";
import type { DiskVolume } from "./disk-volume.js";
import { openDiskVolumes } from "./open-volumes.js";
import { type MadeVolumes, makeVolumes, openOptions, pathsOf } from "./test-volumes.js";

const NAMESPACE = parseNamespaceName("photos");

let made: MadeVolumes;
let first: DiskVolume;
let second: DiskVolume;
beforeEach(async () => {
  made = await makeVolumes({ count: 2 });
  [first, second] = made.set.volumes as [DiskVolume, DiskVolume];
});
afterEach(() => made.close());

async function put(store: BlobStore, bytes: Buffer): Promise<void> {
  const write = await store.create(NAMESPACE);
  await write.write(bytes);
  await write.finish();
}

describe("a set of volumes", () => {
  it("finds a blob on whichever volume it is", async () => {
    const blobs = [randomBytes(100), randomBytes(100)] as const;
    await put(first, blobs[0]);
    await put(second, blobs[1]);
    for (const bytes of blobs) {
      expect((await made.set.open(refOf(NAMESPACE, bytes)))?.content).toEqual(bytes);
      expect(await made.set.stat(refOf(NAMESPACE, bytes))).toEqual({ sizeBytes: 100 });
    }
  });

  it("keeps one copy of a blob that is put again, the new one", async () => {
    const bytes = randomBytes(100);
    for (const volume of made.set.volumes) await put(volume, bytes);
    await made.damage(refOf(NAMESPACE, bytes), randomBytes(100));
    await put(made.set, bytes);
    expect(await pathsOf(made.directories, refOf(NAMESPACE, bytes))).toHaveLength(1);
    expect((await made.set.open(refOf(NAMESPACE, bytes)))?.content).toEqual(bytes);
  });

  it("finds a blob that moves to a volume that was looked at already", async () => {
    const bytes = randomBytes(100);
    const ref = refOf(NAMESPACE, bytes);
    let beforeSecond: (() => Promise<void>) | undefined;
    const [, secondDirectory = ""] = made.directories;
    const findStat = async (path: string) => {
      const move = path.startsWith(secondDirectory) ? beforeSecond : undefined;
      beforeSecond = move === undefined ? beforeSecond : undefined;
      await move?.();
      return systemFileSystem.findStat(path);
    };
    made.set.close();
    const set = await openDiskVolumes(openOptions(made.directories, { ...systemFileSystem, findStat }));
    const [one, two] = set.volumes as [DiskVolume, DiskVolume];
    await put(two, bytes);
    beforeSecond = async () => {
      // Room that is promised on one volume makes the other one the roomiest.
      const promised = await two.create(NAMESPACE, { sizeBytes: Math.floor((await two.room()).freeBytes / 2) });
      await put(set, bytes);
      await promised.abort();
    };
    expect(await set.stat(ref)).toEqual({ sizeBytes: 100 });
    expect(await one.stat(ref)).toEqual({ sizeBytes: 100 });
    expect(await two.stat(ref)).toBeUndefined();
    set.close();
  });

  it("gives the good copy when another volume has a damaged one", async () => {
    const bytes = randomBytes(100);
    await put(first, bytes);
    await made.damage(refOf(NAMESPACE, bytes), randomBytes(100));
    await put(second, bytes);
    expect((await made.set.open(refOf(NAMESPACE, bytes)))?.content).toEqual(bytes);
  });

  it("removes a blob wherever it is", async () => {
    const bytes = randomBytes(100);
    for (const volume of made.set.volumes) await put(volume, bytes);
    expect(await made.set.remove(refOf(NAMESPACE, bytes))).toBe(true);
    expect(await made.set.remove(refOf(NAMESPACE, bytes))).toBe(false);
    expect(await pathsOf(made.directories, refOf(NAMESPACE, bytes))).toEqual([]);
  });

  it("lays blobs out as plain files in two levels of folders named after the digest", async () => {
    const bytes = randomBytes(100);
    const { digest } = refOf(NAMESPACE, bytes);
    await put(first, bytes);
    const folder = join(made.directories[0] ?? "", "blobs", "photos", digest.slice(0, 2), digest.slice(2, 4));
    expect(await readdir(folder)).toEqual([digest]);
  });

  it("adds up the room of its volumes", async () => {
    const rooms = await Promise.all(made.set.volumes.map((volume) => volume.room()));
    const { totalBytes } = await made.set.room();
    expect(totalBytes).toBe(rooms.reduce((sum, room) => sum + room.totalBytes, 0));
    expect(totalBytes).toBeGreaterThan(0);
  });
});
