import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { atExit } from "./harness/at-exit.js";
import { listIncoming } from "./harness/blobs-on-disk.js";
import { filePath, mustGet, mustPut, putFile } from "./harness/raw-files.js";
import { beginUpload, sendPiece } from "./harness/raw-upload.js";
import { openRequest, readReply, refusalOf } from "./harness/raw-request.js";
import { makeTempFolder } from "./harness/temp-folder.js";
import { reasonOf } from "./harness/test-catalog.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

const MIB = 1024 * 1024;
const DISK_BYTES = 16 * MIB;

const temp = makeTempFolder();
const disk = join(temp.path, "disk");
const whyNoDisk = mountSmallDisk();
const forget = atExit(unmount);

afterAll(() => {
  unmount();
  temp.remove();
});

describe("a full disk", () => {
  it.skipIf(whyNoDisk !== undefined)(
    `refuses a put with 507 and keeps the old version${reasonOf(whyNoDisk)}`,
    async () => {
      const dataOf = (name: string) => (name === "a" ? join(disk, "data") : undefined);
      await withCluster({ nodes: 2, engine: "sqlite", dataOf }, async (cluster) => {
        const [a, b] = [cluster.node("a"), cluster.node("b")];
        await mustPut(a.url, "k", "old version");
        const announced = await putFile(a.url, "k", { body: Buffer.alloc(DISK_BYTES * 2, "f") });
        expect(refusalOf(announced)).toEqual({ status: 507, code: "disk_full" });
        expect(await putInChunks(a.url, "k", DISK_BYTES * 2)).toEqual({ status: 507, code: "disk_full" });
        for (const node of [a, b]) {
          expect((await mustGet(node.url, "k")).toString()).toBe("old version");
          await waitUntil("nothing of the refused puts is left", () => listIncoming(node).length === 0);
        }
        await expect(beginUpload(a.url, "k", { sizeBytes: DISK_BYTES * 2 })).rejects.toThrow(/507.*disk_full/);
        const upload = await beginUpload(a.url, "in pieces", { sizeBytes: 5 });
        expect((await sendPiece(upload, 0, Buffer.from("small"))).status).toBe(204);
        expect(await mustPut(a.url, "k", "small enough")).toMatchObject({ copies: 2 });
        const throughB = await mustPut(b.url, "big", Buffer.alloc(DISK_BYTES * 2, "f"));
        expect(throughB).toMatchObject({ copies: 1, wanted: 2 });
        expect(await mustGet(a.url, "big")).toHaveLength(DISK_BYTES * 2);
      });
    },
  );
});

/** No length announced: the disk is full only in the middle of it. */
async function putInChunks(server: string, key: string, sizeBytes: number): Promise<{ status: number; code: string }> {
  const call = openRequest(server, { method: "PUT", path: filePath(key), headers: { "transfer-encoding": "chunked" } });
  const reply = readReply(call);
  // The server may answer and close before it took everything: then the rest is refused on the way.
  call.on("error", () => {});
  for (let sent = 0; sent < sizeBytes; sent += MIB) call.write(Buffer.alloc(MIB, "f"));
  call.end();
  return refusalOf(await reply);
}

/** Answers why there is none. */
function mountSmallDisk(): string | undefined {
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "koboldfs-test", disk], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `no right to mount a tmpfs: ${String(error).split("\n")[0]}`;
  }
}

function unmount(): void {
  if (whyNoDisk === undefined) execFileSync("umount", [disk]);
  forget();
}
