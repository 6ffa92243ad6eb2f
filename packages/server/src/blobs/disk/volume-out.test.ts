import { randomBytes } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseNamespaceName } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FaultyFileSystem, type RecordedCall } from "../../runtime/faulty-file-system.js";
import { systemFileSystem } from "../../runtime/file-system.js";
import type { BlobRef, BlobStore } from "../blob-store.js";
import { refOf } from "../conformance/test-blobs.js";
import type { DiskVolume } from "./disk-volume.js";
import { type MadeVolumes, makeVolumes } from "./test-volumes.js";

const NAMESPACE = parseNamespaceName("photos");

async function put(store: BlobStore, bytes: Buffer): Promise<BlobRef> {
  const write = await store.create(NAMESPACE);
  await write.write(bytes);
  await write.finish();
  return refOf(NAMESPACE, bytes);
}

describe("a volume that is taken out", () => {
  let files: FaultyFileSystem;
  let made: MadeVolumes;
  let first: DiskVolume;
  let second: DiskVolume;
  let outs: number;

  beforeEach(async () => {
    files = new FaultyFileSystem(systemFileSystem);
    made = await makeVolumes({ count: 2, files });
    [first, second] = made.set.volumes as [DiskVolume, DiskVolume];
    outs = 0;
    first.watchHealth(() => {
      outs += 1;
    });
  });
  afterEach(() => made.close());

  const recordOf = (volume: DiskVolume) => join(volume.path, "koboldfs.json");
  const hide = (volume: DiskVolume) => rename(recordOf(volume), `${recordOf(volume)}.hidden`);
  const show = (volume: DiskVolume) => rename(`${recordOf(volume)}.hidden`, recordOf(volume));
  const stateOf = async (volume: DiskVolume) => (await made.set.describe()).find(({ id }) => id === volume.id);

  it("does not count as holding anything, takes nothing, and is still read as a last resort", async () => {
    const bytes = randomBytes(100);
    const ref = await put(first, bytes);
    await hide(first);
    await first.check({ writes: false });
    expect(await made.set.steady.stat(ref)).toBeUndefined();
    expect(await made.set.steady.open(ref)).toBeUndefined();
    expect((await made.set.open(ref))?.content).toEqual(bytes);
    expect(await made.set.stat(ref)).toEqual({ sizeBytes: 100 });
    for (let blob = 0; blob < 5; blob += 1) {
      expect(await second.stat(await put(made.set, randomBytes(10)))).toEqual({ sizeBytes: 10 });
    }
    expect(await made.set.room()).toEqual(await second.room());
  });

  it("is out when its record is gone or another's, says what to do, and is back when it is there again", async () => {
    await first.check({ writes: true });
    expect(await stateOf(first)).toMatchObject({ state: "good" });
    await hide(first);
    await first.check({ writes: false });
    expect(await stateOf(first)).toMatchObject({ state: "out", reason: expect.stringContaining("not mounted") });
    expect((await stateOf(first))?.hint).toContain("by itself");
    await writeFile(recordOf(first), JSON.stringify({ format: 1, cluster: "c", node: "n", volume: "other" }));
    await first.check({ writes: false });
    expect(first.isSuspect).toBe(true);
    await show(first);
    await first.check({ writes: false });
    expect(await stateOf(first)).toMatchObject({ state: "good" });
    expect(outs).toBe(1);
    expect(await first.stat(await put(first, randomBytes(10)))).toEqual({ sizeBytes: 10 });
  });

  it.each(["EROFS", "EIO"])("is found by writing when every write fails with %s, and only then", async (errno) => {
    const isProbe = ({ path }: RecordedCall) => path.includes("probe-");
    files.arm({ failAt: 1, errno, matches: isProbe });
    await first.check({ writes: false });
    expect(first.isSuspect).toBe(false);
    await first.check({ writes: true });
    expect(first.isSuspect).toBe(true);
    await first.check({ writes: false });
    expect(first.isSuspect).toBe(false);
  });

  it("is said to be full when it takes nothing more, and is not out for that", () => {
    expect([first.describe(1).state, first.describe(0).state, first.isSuspect]).toEqual(["good", "full", false]);
  });

  it("is not taken out for being full", async () => {
    files.arm({ failAt: 1, errno: "ENOSPC", matches: ({ call }) => call === "syncData" });
    await first.check({ writes: true });
    expect(first.isSuspect).toBe(false);
  });

  it("stays out after a failed fsync, however well it looks", async () => {
    files.arm({ failAt: 1, errno: "EIO", matches: ({ call }) => call === "syncData" });
    await expect(put(first, randomBytes(10))).rejects.toMatchObject({ code: "disk_failed" });
    await first.check({ writes: true });
    expect(await stateOf(first)).toMatchObject({ state: "out", hint: expect.stringContaining("restart") });
  });

  it("is out after many failed reads, and not for one bad sector", async () => {
    const ref = await put(first, randomBytes(100));
    const readBadly = async () => {
      files.arm({ failAt: 1, errno: "EIO", matches: ({ call }) => call === "read" });
      await expect(first.open(ref)).rejects.toMatchObject({ code: "disk_failed" });
    };
    await readBadly();
    expect(first.isSuspect).toBe(false);
    for (let read = 1; read < 16; read += 1) await readBadly();
    expect(first.isSuspect).toBe(true);
  });

  it("keeps a purge from being called done, noticed or not: what comes back with it would be served", async () => {
    const ref = await put(first, randomBytes(100));
    await hide(first);
    const removing = () => made.set.removeIf(ref, () => true, { isDurable: true });
    await expect(removing()).rejects.toMatchObject({ code: "disk_failed" });
    expect(first.isSuspect).toBe(true);
    await expect(removing()).rejects.toMatchObject({ code: "disk_failed" });
    await show(first);
    await first.check({ writes: false });
    expect(await removing()).toBe(true);
    expect(await made.set.stat(ref)).toBeUndefined();
  });

  it("does not end the walk over the others", async () => {
    const ref = await put(second, randomBytes(100));
    await put(first, randomBytes(100));
    files.arm({ failAt: 1, errno: "EIO", matches: ({ call }) => call === "readdir" });
    await expect(made.set.walkShards().next()).rejects.toMatchObject({ code: "disk_failed" });
    const found: BlobRef[] = [];
    for await (const refs of made.set.walkShards()) found.push(...refs);
    expect(found).toEqual([ref]);
  });
});
