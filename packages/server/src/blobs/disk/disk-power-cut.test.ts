import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseNamespaceName } from "@koboldfs/protocol";
import { describe, expect, it } from "vitest";
import { type PowerCutLoss, SimulatedFileSystem } from "../../runtime/simulated-file-system.js";
import type { FileSystem } from "../../runtime/file-system.js";
import { refOf } from "../conformance/test-blobs.js";
import { openDiskVolumes } from "./open-volumes.js";
import { openOptions } from "./test-volumes.js";
import type { VolumeSet } from "./volume-set.js";

const NAMESPACE = parseNamespaceName("photos");
const DIRECTORIES = ["/disks/one", "/disks/two"];
const [FIRST = ""] = DIRECTORIES;

/** The same bytes twice, so that a blob is replaced too; and more of them than go to the disk at once. */
const BLOBS = [Buffer.from("a"), Buffer.alloc(300_000, "b"), Buffer.from("a"), Buffer.alloc(0)];

function open(files: FileSystem): Promise<VolumeSet> {
  // The lock is the kernel's, and these directories are not.
  return openDiskVolumes({ ...openOptions(DIRECTORIES, files), lock: () => ({ release: () => {} }) });
}

async function put(set: VolumeSet, bytes: Buffer): Promise<void> {
  const write = await set.create(NAMESPACE);
  await write.write(bytes.subarray(0, 200_000));
  await write.write(bytes.subarray(200_000));
  await write.finish();
}

/** Opens, puts and acknowledges until the power goes; answers what was acknowledged. */
async function workUntilCut(files: FileSystem): Promise<Buffer[]> {
  const acknowledged: Buffer[] = [];
  try {
    const set = await open(files);
    for (const bytes of BLOBS) {
      await put(set, bytes);
      acknowledged.push(bytes);
    }
  } catch {
    // The cut. What matters is what the disk holds afterwards.
  }
  return acknowledged;
}

/** Paths of files under the blob folders whose bytes are not what their names say. */
async function findWrongFiles(files: FileSystem, folder: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const name of await files.readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const stat = await files.findStat(path);
    if (stat === undefined) throw new Error(`${path} is listed and not there`);
    if (stat.isFolder) {
      wrong.push(...(await findWrongFiles(files, path)));
      continue;
    }
    const file = await files.open(path, "read");
    const bytes = Buffer.alloc(stat.sizeBytes);
    await file.read(bytes, 0);
    if (createHash("sha256").update(bytes).digest("hex") !== name) wrong.push(path);
  }
  return wrong;
}

async function missingFrom(set: VolumeSet, acknowledged: readonly Buffer[]): Promise<string[]> {
  const missing = [];
  for (const bytes of acknowledged) {
    const blob = await set.stat(refOf(NAMESPACE, bytes));
    if (blob?.sizeBytes !== bytes.length) missing.push(bytes.toString("latin1", 0, 10));
  }
  return missing;
}

describe.each<PowerCutLoss>(["names-and-bytes", "bytes"])("a power cut that loses what was not fsynced: %s", (loss) => {
  it("keeps all that was acknowledged and shows nothing half, whichever call it comes before", async () => {
    for (let call = 1; ; call += 1) {
      const files = new SimulatedFileSystem();
      files.cutPowerBefore(call);
      const acknowledged = await workUntilCut(files);
      const restarted = files.afterPowerCut(loss);
      const wrong = await Promise.all(DIRECTORIES.map((path) => findWrongFiles(restarted, join(path, "blobs"))));
      expect(wrong.flat(), `cut before call ${call}`).toEqual([]);
      const set = await open(restarted);
      expect(await missingFrom(set, acknowledged), `cut before call ${call}`).toEqual([]);
      for (const bytes of BLOBS) await put(set, bytes);
      expect(await missingFrom(set, BLOBS)).toEqual([]);
      expect(await restarted.readdir(join(FIRST, "incoming"))).toEqual([]);
      if (!files.isCut) break;
    }
  });
});
