import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KoboldError, parseNamespaceName } from "@koboldfs/protocol";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { refOf } from "../conformance/test-blobs.js";
import type { BlobWriteOptions } from "../blob-store.js";
import { openDiskVolumes } from "./open-volumes.js";
import { openOptions, pathsOf } from "./test-volumes.js";
import type { VolumeSet } from "./volume-set.js";

const NAMESPACE = parseNamespaceName("photos");
const MIB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), "koboldfs-full-"));
const disk = join(folder, "disk");

function mount(options: string): boolean {
  mkdirSync(disk, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", disk], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function unmount(): void {
  // Lazily: a file that a failing test left open must not leave the mount behind.
  execFileSync("umount", ["-l", disk]);
}

const mayMount = mount("size=1m");
if (mayMount) unmount();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function put(set: VolumeSet, bytes: Buffer, announced: BlobWriteOptions = {}): Promise<string> {
  try {
    const write = await set.create(NAMESPACE, announced);
    for (let start = 0; start < bytes.length; start += 65_536) await write.write(bytes.subarray(start, start + 65_536));
    await write.finish();
    return "placed";
  } catch (error) {
    if (error instanceof KoboldError) return error.code;
    throw error;
  }
}

const because = mayMount ? "" : " (skipped: this process may not mount a small file system)";
describe.skipIf(!mayMount)(`a disk that is full${because}`, () => {
  let set: VolumeSet;
  const open = async (options: { mount: string; maxUsedRatio: number }) => {
    mount(options.mount);
    set = await openDiskVolumes({ ...openOptions([disk]), maxUsedRatio: options.maxUsedRatio });
  };
  beforeEach(() => {
    mkdirSync(disk, { recursive: true });
  });
  afterEach(() => {
    set.close();
    unmount();
  });

  const fill = async (sizeBytes: number): Promise<Buffer[]> => {
    const placed = [];
    for (;;) {
      const bytes = randomBytes(sizeBytes);
      const outcome = await put(set, bytes);
      if (outcome !== "placed") {
        expect(outcome).toBe("disk_full");
        expect(await pathsOf([disk], refOf(NAMESPACE, bytes))).toEqual([]);
        return placed;
      }
      placed.push(bytes);
    }
  };

  it("refuses with disk_full, leaves nothing of what did not fit, and keeps what is there", async () => {
    await open({ mount: "size=4m", maxUsedRatio: 1 });
    const placed = await fill(300_000);
    expect(placed.length).toBeGreaterThan(5);
    expect(await readdir(join(disk, "incoming"))).toEqual([]);
    for (const bytes of placed) {
      const [path = ""] = await pathsOf([disk], refOf(NAMESPACE, bytes));
      expect((await readFile(path)).equals(bytes)).toBe(true);
    }
    expect(set.volumes[0]?.isSuspect).toBe(false);
    // The smallest room that is left is still good.
    await set.remove(refOf(NAMESPACE, placed[0] ?? Buffer.alloc(0)));
    expect(await put(set, randomBytes(1000))).toBe("placed");
  });

  it("refuses in the middle of a stream that announced nothing", async () => {
    await open({ mount: "size=4m", maxUsedRatio: 1 });
    expect(await put(set, randomBytes(6 * MIB))).toBe("disk_full");
    expect(await readdir(join(disk, "incoming"))).toEqual([]);
  });

  it("refuses an announced size that does not fit at once, before any byte", async () => {
    await open({ mount: "size=4m", maxUsedRatio: 1 });
    await expect(set.create(NAMESPACE, { sizeBytes: 5 * MIB })).rejects.toMatchObject({ code: "disk_full" });
    const write = await set.create(NAMESPACE, { sizeBytes: 3 * MIB });
    // What is promised to one write is not promised to another.
    await expect(set.create(NAMESPACE, { sizeBytes: 3 * MIB })).rejects.toMatchObject({ code: "disk_full" });
    await write.abort();
    expect(await put(set, randomBytes(3 * MIB), { sizeBytes: 3 * MIB })).toBe("placed");
  });

  it("stops at the configured share of the bytes", async () => {
    await open({ mount: "size=4m", maxUsedRatio: 0.5 });
    await expect(set.create(NAMESPACE, { sizeBytes: 3 * MIB })).rejects.toMatchObject({ code: "disk_full" });
    expect(await put(set, randomBytes(MIB), { sizeBytes: MIB })).toBe("placed");
  });

  it("refuses when the inodes are used up", async () => {
    await open({ mount: "size=64m,nr_inodes=60", maxUsedRatio: 1 });
    const placed = await fill(100);
    expect(placed.length).toBeGreaterThan(5);
    expect(await readdir(join(disk, "incoming"))).toEqual([]);
  });

  it("puts new blobs where most space is", async () => {
    await open({ mount: "size=4m", maxUsedRatio: 1 });
    const roomy = join(folder, "roomy");
    set.close();
    set = await openDiskVolumes(openOptions([disk, roomy]));
    const bytes = randomBytes(100);
    expect(await put(set, bytes)).toBe("placed");
    expect(await pathsOf([roomy], refOf(NAMESPACE, bytes))).toHaveLength(1);
  });
});
