import { describe, expect, it } from "vitest";
import { listIncoming } from "./harness/blobs-on-disk.js";
import { mustGet, putFile, sha256 } from "./harness/raw-files.js";
import { SlowUpload } from "./harness/slow-upload.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

const CHUNK = Buffer.alloc(1024 * 1024, "stopping ");

describe("SIGTERM", () => {
  it("lets a running upload finish, takes no new one, and ends the node with 0", async () => {
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      const upload = SlowUpload.begin(a.url, "running", CHUNK.length * 8);
      await upload.send(CHUNK);
      await waitUntil("the upload has begun", () => listIncoming(a).length > 0);
      const stopped = a.stop();
      await waitUntil("new puts are refused", async () => {
        const outcome = await putFile(a.url, "new", { body: "x" }).catch(() => undefined);
        return outcome === undefined || outcome.status === 503;
      });
      for (let sent = 1; sent < 8; sent += 1) await upload.send(CHUNK);
      const { reply, sentDigest } = await upload.finish();
      expect(reply.digest).toBe(sentDigest);
      expect(await stopped).toEqual({ code: 0, signal: null });
      expect(sha256(await mustGet(b.url, "running"))).toBe(sentDigest);
    });
  });

  it("ends an idle node with 0 at once, and it serves its files again when restarted", async () => {
    await withCluster({ nodes: 1, engine: "sqlite" }, async (cluster) => {
      const a = cluster.node("a");
      await putFile(a.url, "k", { body: "still here" });
      expect(await a.stop()).toEqual({ code: 0, signal: null });
      await a.restart();
      expect((await mustGet(a.url, "k")).toString()).toBe("still here");
    });
  });
});
