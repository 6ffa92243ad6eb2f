import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseNamespaceName } from "@koboldfs/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { FaultyFileSystem, type RecordedCall } from "../../runtime/faulty-file-system.js";
import { systemFileSystem } from "../../runtime/file-system.js";
import { refOf } from "../conformance/test-blobs.js";
import { blobPath } from "./blob-path.js";
import { openDiskVolumes } from "./open-volumes.js";
import { type MadeVolumes, makeVolumes, openOptions } from "./test-volumes.js";
import type { VolumeSet } from "./volume-set.js";

const NAMESPACE = parseNamespaceName("photos");

const opened: MadeVolumes[] = [];
afterEach(async () => {
  for (const made of opened.splice(0)) await made.close();
});

async function make(): Promise<{ made: MadeVolumes; files: FaultyFileSystem; root: string }> {
  const files = new FaultyFileSystem(systemFileSystem);
  const made = await makeVolumes({ count: 1, files });
  opened.push(made);
  files.arm(undefined);
  return { made, files, root: join(made.directories[0] ?? "", "blobs") };
}

async function put(set: VolumeSet, bytes: Buffer): Promise<void> {
  const write = await set.create(NAMESPACE);
  await write.write(bytes);
  await write.finish();
}

/** Where the call stands in the record; fails when it is not there. */
function indexOf(calls: readonly RecordedCall[], wanted: Partial<RecordedCall>): number {
  const index = calls.findIndex((one) => Object.entries(wanted).every(([name, value]) => Object(one)[name] === value));
  expect(index, `no call like ${JSON.stringify(wanted)}`).toBeGreaterThanOrEqual(0);
  return index;
}

describe("the order in which a put touches the disk", () => {
  it("fsyncs the bytes before they get their name, and the name before the put is done", async () => {
    const { made, files, root } = await make();
    const bytes = randomBytes(5000);
    const target = blobPath(root, refOf(NAMESPACE, bytes));
    await put(made.set, bytes);
    const rename = indexOf(files.calls, { call: "rename", to: target });
    const temporary = files.calls[rename]?.path ?? "";
    expect(dirname(temporary)).toBe(join(made.directories[0] ?? "", "incoming"));
    expect(indexOf(files.calls, { call: "write", path: temporary })).toBeLessThan(rename);
    expect(indexOf(files.calls, { call: "syncData", path: temporary })).toBeLessThan(rename);
    expect(indexOf(files.calls, { call: "syncFolder", path: dirname(target) })).toBeGreaterThan(rename);
  });

  it("fsyncs the parent of every folder that it makes, after making it and before the put is done", async () => {
    const { made, files, root } = await make();
    const bytes = randomBytes(10);
    await put(made.set, bytes);
    const folders = blobPath(root, refOf(NAMESPACE, bytes))
      .slice(root.length + 1)
      .split("/")
      .slice(0, -1);
    expect(folders).toHaveLength(3);
    for (const depth of [1, 2, 3]) {
      const folder = join(root, ...folders.slice(0, depth));
      const mkdir = indexOf(files.calls, { call: "mkdir", path: folder });
      expect(indexOf(files.calls.slice(mkdir), { call: "syncFolder", path: dirname(folder) })).toBeGreaterThan(0);
    }
  });

  it("fsyncs the parents of folders that an earlier run may have left half durable", async () => {
    const { made, root } = await make();
    const bytes = randomBytes(10);
    await put(made.set, bytes);
    made.set.close();
    const files = new FaultyFileSystem(systemFileSystem);
    const reopened = await openDiskVolumes(openOptions(made.directories, files));
    files.arm(undefined);
    await put(reopened, bytes);
    reopened.close();
    const folder = dirname(blobPath(root, refOf(NAMESPACE, bytes)));
    const synced = files.calls.filter(({ call }) => call === "syncFolder").map(({ path }) => path);
    expect(synced).toEqual([root, dirname(dirname(folder)), dirname(folder), folder]);
  });

  it("makes no folder twice, and a small blob costs seven calls", async () => {
    const { made, files } = await make();
    const bytes = randomBytes(10);
    await put(made.set, bytes);
    files.arm(undefined);
    await put(made.set, bytes);
    expect(files.calls.map(({ call }) => call).sort()).toEqual(
      ["open", "write", "syncData", "stat", "rename", "close", "syncFolder"].sort(),
    );
  });

  it("makes folders again that were removed behind its back", async () => {
    const { made, root } = await make();
    const bytes = randomBytes(10);
    await put(made.set, bytes);
    await rm(join(root, NAMESPACE), { recursive: true });
    await put(made.set, bytes);
    expect((await made.set.open(refOf(NAMESPACE, bytes)))?.content).toEqual(bytes);
  });

  it("writes koboldfs.json under another name, fsyncs it, and only then gives it its name, durably", async () => {
    const files = new FaultyFileSystem(systemFileSystem);
    const made = await makeVolumes({ count: 1, files });
    opened.push(made);
    const directory = made.directories[0] ?? "";
    const record = join(directory, "koboldfs.json");
    const rename = indexOf(files.calls, { call: "rename", to: record });
    expect(indexOf(files.calls, { call: "syncData", path: `${record}.new` })).toBeLessThan(rename);
    expect(indexOf(files.calls.slice(rename), { call: "syncFolder", path: directory })).toBeGreaterThan(0);
    indexOf(files.calls, { call: "syncFolder", path: dirname(directory) });
  });
});
