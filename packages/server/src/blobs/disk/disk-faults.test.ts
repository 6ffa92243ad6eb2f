import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { KoboldError, parseNamespaceName } from "@koboldfs/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { FaultyFileSystem, type FileCall } from "../../runtime/faulty-file-system.js";
import { systemFileSystem } from "../../runtime/file-system.js";
import { refOf } from "../blob-store-conformance.js";
import type { BlobStore } from "../blob-store.js";
import { openDiskVolumes } from "./open-volumes.js";
import { type MadeVolumes, makeVolumes, openOptions, pathsOf } from "./test-volumes.js";

const NAMESPACE = parseNamespaceName("photos");
const SYNCS: readonly FileCall[] = ["syncFolder", "syncData"];
/** What a failed fsync says of the disk itself; EMFILE says that there was none. */
const DISK_ERRNOS = ["EIO", "EROFS"];
/** No put makes more calls than this; a loop that gets here has stopped to make sense. */
const MAX_CALLS = 200;

const opened: MadeVolumes[] = [];
afterEach(async () => {
  for (const made of opened.splice(0)) await made.close();
});

async function makeFaulty(count = 1): Promise<{ made: MadeVolumes; files: FaultyFileSystem }> {
  const files = new FaultyFileSystem(systemFileSystem);
  const made = await makeVolumes({ count, files });
  opened.push(made);
  return { made, files };
}

async function put(store: BlobStore, bytes: Buffer): Promise<void> {
  const write = await store.create(NAMESPACE);
  try {
    for (let start = 0; start < bytes.length; start += 65_536) await write.write(bytes.subarray(start, start + 65_536));
    await write.finish();
  } catch (error) {
    await write.abort();
    throw error;
  }
}

async function codeOf(running: Promise<unknown>): Promise<string | undefined> {
  try {
    await running;
    return undefined;
  } catch (error) {
    if (error instanceof KoboldError) return error.code;
    throw error;
  }
}

interface Fault {
  readonly failAt: number;
  readonly errno: string;
  readonly stoodThere: boolean;
}

/** One turn of the loop; answers whether the failure was met at all. */
async function meetFault({ failAt, errno, stoodThere }: Fault): Promise<boolean> {
  const { made, files } = await makeFaulty();
  const bytes = randomBytes(1000);
  const ref = refOf(NAMESPACE, bytes);
  const [volume] = made.set.volumes;
  if (stoodThere) await put(made.set, bytes);
  files.arm({ failAt, errno });
  const code = await codeOf(put(made.set, bytes));
  const failed = files.failed;
  const failedCall = files.failedCall?.call;
  files.arm(undefined);

  expect([undefined, errno === "ENOSPC" ? "disk_full" : "disk_failed"]).toContain(code);
  expect(await made.leftovers()).toEqual([]);
  const kept = await pathsOf(made.directories, ref);
  if (code === undefined || stoodThere) expect(await readFile(kept[0] ?? "")).toEqual(bytes);
  else expect(kept).toEqual([]);
  if (failedCall !== undefined && SYNCS.includes(failedCall) && DISK_ERRNOS.includes(errno)) {
    expect(volume?.isSuspect, `after ${errno} of ${failedCall}`).toBe(true);
  }
  if (volume?.isSuspect) {
    expect(await codeOf(put(made.set, bytes))).toBe("disk_failed");
    made.set.close();
    const reopened = await openDiskVolumes(openOptions(made.directories));
    await put(reopened, bytes);
    reopened.close();
  } else {
    await put(made.set, bytes);
    expect((await made.set.open(ref))?.content).toEqual(bytes);
  }
  return failed;
}

describe("a put on a disk whose Nth call fails", () => {
  const cases = ["EIO", "ENOSPC", "EROFS", "EMFILE"].flatMap((errno) =>
    [false, true].map((stoodThere) => ({
      errno,
      stoodThere,
      what: stoodThere ? "that is there already" : "that is new",
    })),
  );
  it.each(cases)("with $errno leaves nothing of a blob $what", { timeout: 60_000 }, async ({ errno, stoodThere }) => {
    let failAt = 1;
    while (await meetFault({ failAt, errno, stoodThere })) {
      failAt += 1;
      expect(failAt).toBeLessThan(MAX_CALLS);
    }
    // open, write, fdatasync, stat, rename, close and the fsync of the folder at the very least.
    expect(failAt).toBeGreaterThan(7);
  });

  it("forgets a large blob whose fsync fails halfway, and never fsyncs that file again", async () => {
    const { made, files } = await makeFaulty();
    const isSync = ({ call }: { call: FileCall }) => call === "syncData";
    files.arm({ failAt: 1, errno: "EIO", matches: isSync });
    expect(await codeOf(put(made.set, randomBytes(40 * 1024 * 1024)))).toBe("disk_failed");
    expect(files.calls.filter(isSync)).toHaveLength(1);
    expect(await made.leftovers()).toEqual([]);
    expect(made.set.volumes[0]?.isSuspect).toBe(true);
  });

  it("goes to another volume while one is suspect, and still reads from the suspect one", async () => {
    const { made, files } = await makeFaulty(2);
    const [first, second] = made.set.volumes;
    if (first === undefined || second === undefined) throw new Error("no volumes were made");
    const before = randomBytes(100);
    await put(first, before);
    files.arm({ failAt: 1, errno: "EIO", matches: ({ call }) => call === "syncData" });
    expect(await codeOf(put(first, randomBytes(100)))).toBe("disk_failed");
    files.arm(undefined);
    const after = randomBytes(100);
    await put(made.set, after);
    expect(await second.stat(refOf(NAMESPACE, after))).toEqual({ sizeBytes: 100 });
    expect((await made.set.open(refOf(NAMESPACE, before)))?.content).toEqual(before);
  });
});

describe("a read from a disk that fails", () => {
  it.each([1000, 300_000])("says disk_failed for %i bytes, and leaves no file open", async (size) => {
    const { made, files } = await makeFaulty();
    const bytes = randomBytes(size);
    await put(made.set, bytes);
    const calls: readonly FileCall[] = ["open", "fstat", "read"];
    for (const name of calls) {
      files.arm({ failAt: 1, errno: "EIO", matches: ({ call }) => call === name });
      const reading = async () => {
        const blob = await made.set.open(refOf(NAMESPACE, bytes));
        if (blob !== undefined && !Buffer.isBuffer(blob.content)) for await (const _chunk of blob.content);
      };
      expect(await codeOf(reading()), name).toBe("disk_failed");
      const count = (wanted: FileCall) => files.calls.filter(({ call }) => call === wanted).length;
      expect(count("close")).toBe(name === "open" ? 0 : count("open"));
    }
  });

  it("answers from another volume that has the blob", async () => {
    const { made, files } = await makeFaulty(2);
    const bytes = randomBytes(1000);
    for (const volume of made.set.volumes) await put(volume, bytes);
    files.arm({ failAt: 1, errno: "EIO", matches: ({ call }) => call === "read" });
    expect((await made.set.open(refOf(NAMESPACE, bytes)))?.content).toEqual(bytes);
    expect(files.failed).toBe(true);
  });
});
