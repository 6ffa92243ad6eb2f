import { describe, expect, it } from "vitest";
import { type PowerCutLoss, SimulatedFileSystem } from "../../../runtime/simulated-file-system.js";
import type { FileSystem } from "../../../runtime/file-system.js";
import { newUploadRecord, readText } from "../../upload-store-conformance.js";
import { openDiskVolumes } from "../open-volumes.js";
import { openOptions } from "../test-volumes.js";
import { DiskUploadStore } from "./disk-upload-store.js";

const PIECES = [Buffer.alloc(300_000, "a"), Buffer.from("b"), Buffer.alloc(300_000, "c")];
const WHOLE = Buffer.concat(PIECES);
const RECORD = newUploadRecord(WHOLE.length);
const LATER_MS = 2e12;

async function open(files: FileSystem): Promise<DiskUploadStore> {
  // The lock is the kernel's, and this directory is not.
  const set = await openDiskVolumes({ ...openOptions(["/disk"], files), lock: () => ({ release: () => {} }) });
  return new DiskUploadStore(set.volumes);
}

interface Said {
  hasBegun: boolean;
  offset: number;
}

/** Begins, sends piece after piece (the second is given up before it counts), until the power goes. */
async function workUntilCut(files: FileSystem, said: Said): Promise<void> {
  const store = await open(files);
  await store.load();
  await store.create(RECORD);
  said.hasBegun = true;
  let record = RECORD;
  for (const [index, piece] of PIECES.entries()) {
    const given = await store.append(record);
    await given.write(Buffer.alloc(300_000, "given up"));
    await given.close();
    const append = await store.append(record);
    await append.write(piece);
    record = await append.checkpoint(LATER_MS + index);
    said.offset = record.offset;
    await append.close();
  }
}

describe.each<PowerCutLoss>(["names-and-bytes", "bytes"])("a power cut that loses what was not fsynced: %s", (loss) => {
  it("keeps what was said of an upload, and never counts a byte that is not there, whichever call it comes before", async () => {
    for (let call = 1; ; call += 1) {
      const files = new SimulatedFileSystem();
      files.cutPowerBefore(call);
      const said: Said = { hasBegun: false, offset: 0 };
      await workUntilCut(files, said).catch(() => {});
      const restarted = files.afterPowerCut(loss);
      const store = await open(restarted);
      const [found] = await store.load();
      if (said.hasBegun) expect(found?.id, `cut before call ${call}`).toBe(RECORD.id);
      if (found !== undefined) {
        expect(found.offset, `cut before call ${call}`).toBeGreaterThanOrEqual(said.offset);
        expect(await readText(store, found)).toBe(WHOLE.toString("latin1", 0, found.offset));
        const append = await store.append(found);
        await append.write(WHOLE.subarray(found.offset));
        const whole = await append.checkpoint(LATER_MS);
        await append.close();
        expect(await readText(store, whole)).toBe(WHOLE.toString());
      }
      if (!files.isCut) break;
    }
  });
});
