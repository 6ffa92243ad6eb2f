import { parseNamespaceName } from "@koboldfs/protocol";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type FileSystem, systemFileSystem } from "../../runtime/file-system.js";
import { type MadeVolumes, makeVolumes } from "./test-volumes.js";

const NAMESPACE = parseNamespaceName("photos");
const CHUNK = Buffer.alloc(64 * 1024, 7);
const CHUNKS_OF_24_MIB = 384;

/** How many chunks each write to the disk had. */
let writes: number[] = [];
let disk: { hangs: boolean; letGo: () => void };
let made: MadeVolumes;

/** A disk whose flushes do not come back while it hangs. */
function hangingFiles(): FileSystem {
  disk = { hangs: false, letGo: () => {} };
  const released = new Promise<void>((resolve) => void (disk.letGo = resolve));
  return {
    ...systemFileSystem,
    open: async (path, mode) => {
      const file = await systemFileSystem.open(path, mode);
      return {
        write: (chunks) => {
          writes.push(chunks.length);
          return file.write(chunks);
        },
        syncData: () => (disk.hangs ? released : file.syncData()),
        read: (target, position) => file.read(target, position),
        stat: () => file.stat(),
        truncate: (bytes) => file.truncate(bytes),
        close: () => file.close(),
      };
    },
  };
}

beforeEach(async () => {
  made = await makeVolumes({ count: 1, files: hangingFiles() });
});
afterEach(() => made.close());

/** Begins a blob of so many chunks; `writes` are those of this one alone. */
async function begin(chunks: number) {
  writes = [];
  const write = await made.set.create(NAMESPACE);
  for (let chunk = 0; chunk < chunks; chunk += 1) await write.write(CHUNK);
  return write;
}

/** How many chunks each write of a blob of eight had. */
async function writesOfEight(): Promise<number[]> {
  const write = await begin(8);
  await write.abort();
  return writes;
}

it("writes what comes at once while little is unsynced, and larger pieces while the disk does not keep up", async () => {
  expect(await writesOfEight()).toEqual([2, 2, 2, 2]);
  disk.hangs = true;
  const waiting = [await begin(CHUNKS_OF_24_MIB), await begin(CHUNKS_OF_24_MIB), await begin(CHUNKS_OF_24_MIB)];
  expect(await writesOfEight()).toEqual([4, 4]);
  disk.hangs = false;
  disk.letGo();
  await waiting[0]?.finish();
  await waiting[1]?.abort();
  expect(await writesOfEight()).toEqual([2, 2, 2, 2]);
  await waiting[2]?.finish();
});

it("counts nothing for good of what it threw away", async () => {
  for (let round = 0; round < 4; round += 1) await (await begin(CHUNKS_OF_24_MIB)).abort();
  expect(await writesOfEight()).toEqual([2, 2, 2, 2]);
});
