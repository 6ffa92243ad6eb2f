import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDiskVolumes } from "./open-volumes.js";
import { openOptions } from "./test-volumes.js";

let folder: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "koboldfs-killed-"));
});
afterEach(async () => {
  child?.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

/** A process that writes into the volume without end; resolves when bytes are on the disk. */
async function startWriter(directory: string): Promise<ChildProcess> {
  const script = fileURLToPath(new URL("./test-writer.js", import.meta.url));
  const started = spawn(process.execPath, [script, directory], { stdio: ["ignore", "pipe", "inherit"] });
  await once(started.stdout, "data");
  return started;
}

describe("a process that is killed while it writes", () => {
  it("keeps others from its directory until then, and leaves nothing once that is opened again", {
    timeout: 60_000,
  }, async () => {
    const directory = join(folder, "disk");
    child = await startWriter(directory);
    await expect(openDiskVolumes(openOptions([directory]))).rejects.toMatchObject({ code: "volume_in_use" });
    const [half = ""] = await readdir(join(directory, "incoming"));
    expect((await stat(join(directory, "incoming", half))).size).toBeGreaterThan(0);

    child.kill("SIGKILL");
    await once(child, "exit");
    const set = await openDiskVolumes(openOptions([directory]));
    expect(await readdir(join(directory, "incoming"))).toEqual([]);
    expect(await readdir(join(directory, "blobs"))).toEqual([]);
    set.close();
  });
});
