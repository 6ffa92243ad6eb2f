import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KoboldError, type NodeId } from "@koboldfs/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FaultyFileSystem } from "../../runtime/faulty-file-system.js";
import { systemFileSystem } from "../../runtime/file-system.js";
import { findVolumeRecords, openDiskVolumes } from "./open-volumes.js";
import { CLUSTER, NODE, openOptions } from "./test-volumes.js";

let folder: string;
let directory: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "koboldfs-open-"));
  directory = join(folder, "disk");
  await mkdir(directory);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function refusal(running: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await running;
  } catch (error) {
    if (error instanceof KoboldError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("it was not refused");
}

/** Opens and closes the directory, so that it is a volume afterwards; answers its id. */
async function makeVolume(path: string): Promise<string> {
  const set = await openDiskVolumes(openOptions([path]));
  set.close();
  return set.volumeIds[0] ?? "";
}

describe("opening data directories", () => {
  it("makes an empty directory a volume and knows it again", async () => {
    const id = await makeVolume(directory);
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    const text = await readFile(join(directory, "koboldfs.json"), "utf8");
    expect(JSON.parse(text)).toEqual({ format: 1, cluster: CLUSTER, node: NODE, volume: id });
    expect(await findVolumeRecords([directory])).toEqual([{ format: 1, cluster: CLUSTER, node: NODE, volume: id }]);
    const again = await openDiskVolumes({ ...openOptions([directory]), knownVolumes: [id] });
    expect(again.volumeIds).toEqual([id]);
    again.close();
  });

  it("makes a directory that is not there, and takes a fresh file system with lost+found", async () => {
    await mkdir(join(directory, "lost+found"));
    expect(await makeVolume(directory)).not.toBe("");
    expect(await makeVolume(join(folder, "some", "where", "new"))).not.toBe("");
  });

  it("takes a directory whose first opening was cut off at any call", { timeout: 60_000 }, async () => {
    for (let failAt = 1; ; failAt += 1) {
      const path = join(folder, `cut${failAt}`);
      const files = new FaultyFileSystem(systemFileSystem);
      files.arm({ failAt, errno: "EIO" });
      const outcome = await openDiskVolumes(openOptions([path], files)).then(
        (set) => set.close(),
        (error: unknown) => error,
      );
      if (!files.failed) break;
      expect(outcome).toBeInstanceOf(KoboldError);
      await makeVolume(path);
    }
  });

  it("refuses a volume of another cluster and says which", async () => {
    await makeVolume(directory);
    const other = "f".repeat(32);
    const { code, message } = await refusal(openDiskVolumes({ ...openOptions([directory]), cluster: other }));
    expect(code).toBe("volume_refused");
    expect(message).toContain(CLUSTER);
    expect(message).toContain(other);
  });

  it("refuses a volume of another node and says which", async () => {
    await makeVolume(directory);
    const other = "f".repeat(16) as NodeId;
    const { code, message } = await refusal(openDiskVolumes({ ...openOptions([directory]), node: other }));
    expect(code).toBe("volume_refused");
    expect(message).toContain(NODE);
    expect(message).toContain(other);
  });

  it("refuses an empty directory while a known volume is missing, and writes nothing into it", async () => {
    const mounted = join(folder, "mounted");
    const id = await makeVolume(mounted);
    const options = { ...openOptions([mounted, directory]), knownVolumes: [id, "0123456789abcdef"] };
    const { code, message } = await refusal(openDiskVolumes(options));
    expect(code).toBe("volume_refused");
    expect(message).toContain("0123456789abcdef");
    expect(message).toContain(directory);
    expect(await readdir(directory)).toEqual([]);
  });

  it("refuses a directory that vanished with its disk, and does not make it", async () => {
    const gone = join(folder, "gone");
    const { code } = await refusal(openDiskVolumes({ ...openOptions([gone]), knownVolumes: ["0123456789abcdef"] }));
    expect(code).toBe("volume_refused");
    expect(await readdir(folder)).toEqual(["disk"]);
  });

  it("takes a new empty directory beside all known volumes", async () => {
    const id = await makeVolume(directory);
    const more = join(folder, "more");
    const set = await openDiskVolumes({ ...openOptions([directory, more]), knownVolumes: [id] });
    expect(set.volumeIds[0]).toBe(id);
    expect(set.volumeIds).toHaveLength(2);
    set.close();
  });

  it("refuses a directory with something else in it, and writes nothing into it", async () => {
    await writeFile(join(directory, "holiday.jpg"), "x");
    const { code, message } = await refusal(openDiskVolumes(openOptions([directory])));
    expect(code).toBe("volume_refused");
    expect(message).toContain("holiday.jpg");
    expect(await readdir(directory)).toEqual(["holiday.jpg"]);
  });

  const records: [string, string][] = [
    ["of a newer format", JSON.stringify({ format: 2, cluster: CLUSTER, node: NODE, volume: "x", shards: 3 })],
    ["that is not JSON", "{"],
    ["that is no object", "7"],
    ["that does not name its node", JSON.stringify({ format: 1, cluster: CLUSTER, volume: "x" })],
    ["that is empty", ""],
  ];
  it.each(records)("refuses a koboldfs.json %s", async (_name, text) => {
    await writeFile(join(directory, "koboldfs.json"), text);
    expect((await refusal(openDiskVolumes(openOptions([directory])))).code).toBe("volume_refused");
    expect(await readdir(directory)).toEqual(["koboldfs.json"]);
  });

  it("refuses the same directory, and the same volume, given twice", async () => {
    expect((await refusal(openDiskVolumes(openOptions([directory, `${directory}/.`])))).code).toBe("volume_refused");
    await makeVolume(directory);
    const copy = join(folder, "copy");
    await mkdir(copy);
    await writeFile(join(copy, "koboldfs.json"), await readFile(join(directory, "koboldfs.json")));
    expect((await refusal(openDiskVolumes(openOptions([directory, copy])))).code).toBe("volume_refused");
  });

  it("opens a directory only once at a time, and frees those it had when a later one is refused", async () => {
    const second = join(folder, "second");
    const holder = await openDiskVolumes(openOptions([second]));
    expect((await refusal(openDiskVolumes(openOptions([directory, second])))).code).toBe("volume_in_use");
    holder.close();
    const set = await openDiskVolumes(openOptions([directory, second]));
    set.close();
  });

  it("empties what an earlier run left in incoming", async () => {
    await makeVolume(directory);
    await writeFile(join(directory, "incoming", "3f"), "half a blob");
    await makeVolume(directory);
    expect(await readdir(join(directory, "incoming"))).toEqual([]);
  });
});
