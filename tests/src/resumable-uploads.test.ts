import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Upload, type UploadOptions } from "tus-js-client";
import { describe, expect, it } from "vitest";
import { checkWithSha256sum } from "./harness/blobs-on-disk.js";
import { NAMESPACE } from "./harness/cluster.js";
import type { NodeProcess } from "./harness/node-process.js";
import { seededRandom } from "./harness/random.js";
import { getFile, mustGet, sha256 } from "./harness/raw-files.js";
import { askUpload, beginUpload, offsetOf, openPiece, sendPiece, writeUntilCut } from "./harness/raw-upload.js";
import { useCluster, withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

const MIB = 1024 * 1024;
/** What a node may use for files of any size. */
const MAX_MEMORY_BYTES = 200 * MIB;

/** What lies in the upload folders of a node. */
function keptUploads(node: NodeProcess): string[] {
  return node.data.flatMap((folder) => {
    const uploads = join(folder, "uploads");
    return existsSync(uploads) ? readdirSync(uploads) : [];
  });
}

function newSignal(): { promise: Promise<void>; resolve: () => void; reject: (reason: unknown) => void } {
  let settle: { resolve: () => void; reject: (reason: unknown) => void } | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  if (settle === undefined) throw new Error("a promise runs its executor at once");
  return { promise, ...settle };
}

describe("tus-js-client", () => {
  const cluster = useCluster({ nodes: 2, engine: "sqlite" });

  /** An upload of `demo/KEY` as a user of the library would write it, with a promise of its end. */
  function createUpload(
    bytes: Buffer,
    key: string,
    options: UploadOptions = {},
  ): { upload: Upload; done: Promise<unknown> } {
    let upload: Upload | undefined;
    const done = new Promise((resolve, reject) => {
      upload = new Upload(bytes, {
        endpoint: `${cluster().node("a").url}/v1/uploads`,
        metadata: { namespace: NAMESPACE, key, filename: "of-the-user.bin", filetype: "image/png" },
        chunkSize: 4 * MIB,
        retryDelays: [100, 200, 500, 1_000, 2_000, 4_000, 8_000],
        ...options,
        onSuccess: resolve,
        onError: reject,
      });
    });
    if (upload === undefined) throw new Error("no upload was made");
    return { upload, done };
  }

  it("uploads a file in one request, with the type and the name that it was given", async () => {
    const bytes = randomBytes(3 * MIB);
    const { upload, done } = createUpload(bytes, "whole", { chunkSize: Number.POSITIVE_INFINITY });
    upload.start();
    await done;
    const file = await getFile(cluster().node("b").url, "whole");
    expect(sha256(file.body)).toBe(sha256(bytes));
    expect(file.headers["content-type"]).toBe("image/png");
  });

  it("uploads with its first piece in the creation", async () => {
    const bytes = randomBytes(9 * MIB);
    const { upload, done } = createUpload(bytes, "with-creation", { uploadDataDuringCreation: true });
    upload.start();
    await done;
    expect(sha256(await mustGet(cluster().node("b").url, "with-creation"))).toBe(sha256(bytes));
  });

  it("pauses in the middle, and goes on later from where it was", async () => {
    const bytes = randomBytes(16 * MIB);
    const paused = newSignal();
    const first = createUpload(bytes, "paused", {
      onChunkComplete: (_size, accepted) => {
        if (accepted >= 8 * MIB) void first.upload.abort().then(paused.resolve);
      },
    });
    first.upload.start();
    await paused.promise;
    const sentOffsets: number[] = [];
    const second = createUpload(bytes, "paused", {
      uploadUrl: first.upload.url ?? null,
      onBeforeRequest: (request) => {
        if (request.getMethod() === "PATCH") sentOffsets.push(Number(request.getHeader("Upload-Offset")));
      },
    });
    second.upload.start();
    await second.done;
    expect(sentOffsets[0]).toBeGreaterThanOrEqual(8 * MIB);
    expect(sha256(await mustGet(cluster().node("b").url, "paused"))).toBe(sha256(bytes));
  });

  it("survives SIGKILL of the node in the middle and goes on at the offset after its restart", async () => {
    const bytes = randomBytes(24 * MIB);
    const node = cluster().node("a");
    const sentOffsets: number[] = [];
    let restarting: Promise<void> | undefined;
    let acceptedBytes = 0;
    const { upload, done } = createUpload(bytes, "killed", {
      onChunkComplete: (_size, accepted) => {
        acceptedBytes = accepted;
        if (accepted >= 12 * MIB) restarting ??= node.kill("SIGKILL").then(() => node.start());
      },
      onBeforeRequest: (request) => {
        if (request.getMethod() === "PATCH") sentOffsets.push(Number(request.getHeader("Upload-Offset")));
      },
    });
    upload.start();
    await done;
    await restarting;
    expect(acceptedBytes).toBe(bytes.length);
    expect(sentOffsets).toEqual([...sentOffsets].sort((a, b) => a - b));
    const digest = sha256(bytes);
    expect(sha256(await mustGet(cluster().node("b").url, "killed"))).toBe(digest);
    await cluster().waitUntilSettled();
    for (const one of cluster().nodes) await checkWithSha256sum(one, NAMESPACE, [digest]);
  });

  it("ends an upload, whose bytes are gone then", async () => {
    const node = cluster().node("a");
    const before = keptUploads(node);
    const ended = newSignal();
    const { upload } = createUpload(randomBytes(16 * MIB), "ended", {
      onChunkComplete: (_size, accepted) => {
        if (accepted >= 8 * MIB) void upload.abort(true).then(ended.resolve, ended.reject);
      },
    });
    upload.start();
    await ended.promise;
    expect(keptUploads(node)).toEqual(before);
    expect((await getFile(node.url, "ended")).status).toBe(404);
  });
});

describe("a resumable upload", () => {
  it("never says more than it has, whenever its node is killed, and arrives byte by byte in constant memory", async () => {
    const random = seededRandom("killed uploads");
    await withCluster({ nodes: 1, engine: "sqlite" }, async (cluster) => {
      const node = cluster.node("a");
      const bytes = randomBytes(320 * MIB);
      const upload = await beginUpload(node.url, "killed", { sizeBytes: bytes.length });
      let offset = 0;
      for (let round = 0; round < 4; round += 1) {
        const call = openPiece(upload, { offset, sizeBytes: bytes.length - offset });
        const writing = writeUntilCut(call, bytes.subarray(offset), 256 * 1024);
        // Not to wait for something: where in the upload the node dies is the chance that this test explores.
        await sleep(random.between(0, 600));
        await node.kill("SIGKILL");
        const sent = await writing;
        await node.start();
        const found = await offsetOf(upload);
        expect(found).toBeGreaterThanOrEqual(offset);
        expect(found).toBeLessThanOrEqual(offset + sent);
        offset = found;
      }
      const reply = await sendPiece(upload, offset, bytes.subarray(offset));
      expect([reply.status, reply.headers["etag"]]).toEqual([204, `"${sha256(bytes)}"`]);
      expect(node.peakMemoryBytes()).toBeLessThan(MAX_MEMORY_BYTES);
      expect(sha256(await mustGet(node.url, "killed"))).toBe(sha256(bytes));
    });
  });

  it("that expired is answered 410 or 404, and its bytes are gone; what was named stays", async () => {
    const settings = { UPLOAD_TTL: "1" };
    await withCluster({ nodes: 1, engine: "sqlite", settings }, async (cluster) => {
      const node = cluster.node("a");
      const named = await beginUpload(node.url, "named", { sizeBytes: 5 });
      expect((await sendPiece(named, 0, Buffer.from("hello"))).status).toBe(204);
      const upload = await beginUpload(node.url, "expired", { sizeBytes: 10 });
      await sendPiece(upload, 0, Buffer.from("hello"));
      await waitUntil("it expired", async () => [404, 410].includes((await askUpload(upload, "HEAD")).status));
      expect([404, 410]).toContain((await sendPiece(upload, 5, Buffer.from("world"))).status);
      // A starting node looks at once; a running one every half minute.
      await node.restart();
      await waitUntil("its bytes are gone", () => keptUploads(node).length === 0);
      expect((await askUpload(upload, "HEAD")).status).toBe(404);
      expect((await getFile(node.url, "expired")).status).toBe(404);
      expect((await mustGet(node.url, "named")).toString()).toBe("hello");
    });
  });

  it("is told by other nodes to be where it was begun", async () => {
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const upload = await beginUpload(a.url, "elsewhere", { sizeBytes: 5 });
      expect(upload.origin).toBe(a.url);
      const reply = await askUpload(new URL(upload.pathname, b.url), "GET");
      expect([reply.status, reply.body.toString()]).toEqual([404, expect.stringContaining(a.url)]);
    });
  });
});
