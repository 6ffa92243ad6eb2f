import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { KoboldError, parseNamespaceName } from "@koboldfs/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { FaultyFileSystem, type FileCall } from "../../runtime/faulty-file-system.js";
import { systemFileSystem } from "../../runtime/file-system.js";
import { refOf } from "../conformance/test-blobs.js";
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

interface Turn {
  /** Whether the failure was met at all: the loop ends when it was not. */
  readonly met: boolean;
  /** What was promised and is not so. */
  readonly broken: readonly string[];
}

/** One turn of the loop: a put meets the fault, and everything it promised is looked at. */
async function meetFault({ failAt, errno, stoodThere }: Fault): Promise<Turn> {
  const { made, files } = await makeFaulty();
  const bytes = randomBytes(1000);
  const ref = refOf(NAMESPACE, bytes);
  if (stoodThere) await put(made.set, bytes);
  files.arm({ failAt, errno });
  const code = await codeOf(put(made.set, bytes));
  const failed = files.failedCall?.call;
  files.arm(undefined);

  const isSuspect = made.set.volumes[0]?.isSuspect === true;
  const kept = await Promise.all((await pathsOf(made.directories, ref)).map((path) => readFile(path)));
  const shouldStand = code === undefined || stoodThere;
  const mustBeSuspect = failed !== undefined && SYNCS.includes(failed) && DISK_ERRNOS.includes(errno);
  const promises: [string, boolean][] = [
    ["the code tells the cause", [undefined, errno === "ENOSPC" ? "disk_full" : "disk_failed"].includes(code)],
    ["nothing of the upload is left", (await made.leftovers()).length === 0],
    ["what stood there stands, and nothing else", kept.length === (shouldStand ? 1 : 0)],
    ["what stands is right", kept.every((one) => one.equals(bytes))],
    ["a failed fsync makes the volume suspect", isSuspect || !mustBeSuspect],
    ["the next put works, or is refused by a suspect volume", await goesOn({ made, bytes, isSuspect })],
  ];
  const broken = promises.filter(([, isKept]) => !isKept).map(([what]) => `call ${failAt} (${failed}): ${what}`);
  return { met: failed !== undefined, broken };
}

async function goesOn(options: { made: MadeVolumes; bytes: Buffer; isSuspect: boolean }): Promise<boolean> {
  const { made, bytes, isSuspect } = options;
  const code = await codeOf(put(made.set, bytes));
  if (!isSuspect) return code === undefined && isThere(made.set, bytes);
  made.set.close();
  const reopened = await openDiskVolumes(openOptions(made.directories));
  await put(reopened, bytes);
  const isBack = await isThere(reopened, bytes);
  reopened.close();
  return code === "disk_failed" && isBack;
}

async function isThere(store: BlobStore, bytes: Buffer): Promise<boolean> {
  const blob = await store.open(refOf(NAMESPACE, bytes));
  return Buffer.isBuffer(blob?.content) && blob.content.equals(bytes);
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
    const turns: Turn[] = [];
    do turns.push(await meetFault({ failAt: turns.length + 1, errno, stoodThere }));
    while (turns.at(-1)?.met === true && turns.length < MAX_CALLS);
    expect(turns.flatMap(({ broken }) => broken)).toEqual([]);
    // open, write, fdatasync, stat, rename, close and the fsync of the folder at the very least.
    expect(turns.length).toBeGreaterThan(7);
    expect(turns.length).toBeLessThan(MAX_CALLS);
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
      expect(await codeOf(drain(made.set, bytes))).toBe("disk_failed");
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

async function drain(store: BlobStore, bytes: Buffer): Promise<void> {
  const blob = await store.open(refOf(NAMESPACE, bytes));
  if (blob !== undefined && !Buffer.isBuffer(blob.content)) await finished(blob.content.resume());
}
