import { describe, expect, it } from "vitest";
import { checkWithSha256sum, listIncoming } from "./harness/blobs-on-disk.js";
import { type Cluster, NAMESPACE } from "./harness/cluster.js";
import { freezeUnlocked } from "./harness/freeze-unlocked.js";
import { mustGet, mustPut, sha256 } from "./harness/raw-files.js";
import { SlowUpload } from "./harness/slow-upload.js";
import { withCluster } from "./harness/use-cluster.js";
import { waitUntil } from "./harness/wait-until.js";

const CHUNK = Buffer.alloc(1024 * 1024, "peer death ");
const CHUNKS = 64;

describe("when the peer fails in the middle of an upload", () => {
  it.each(["SIGKILL", "SIGSTOP"] as const)(
    "by %s, the put succeeds with one copy and the debt is paid later",
    async (signal) => {
      await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
        const [a, b] = [cluster.node("a"), cluster.node("b")];
        const { reply, sentDigest } = await uploadWhile(cluster, () =>
          signal === "SIGSTOP" ? freezeUnlocked(b, cluster.dsn) : b.kill(signal),
        );
        expect(reply).toMatchObject({ digest: sentDigest, size: CHUNK.length * CHUNKS, copies: 1, wanted: 2 });
        expect(sha256(await mustGet(a.url, "big"))).toBe(sentDigest);
        expect((await cluster.nodeInfos(a)).find((info) => info.name === "b")?.debtFiles).toBe(1);
        if (signal === "SIGKILL") await b.restart();
        else await b.kill("SIGCONT");
        await cluster.waitUntilAllSeeAll();
        await cluster.waitUntilSettled();
        await checkWithSha256sum(b, NAMESPACE, [sentDigest]);
        await waitUntil("nothing of the broken stream is left", () => listIncoming(b).length === 0);
      });
    },
  );

  it.each(["blackHole", "cut"] as const)(
    "because the network between them does (%s), the put succeeds",
    async (disturb) => {
      await withCluster({ nodes: 2, engine: "sqlite", proxyPeers: true }, async (cluster) => {
        const [a, b] = [cluster.node("a"), cluster.node("b")];
        const { reply, sentDigest } = await uploadWhile(cluster, async () => cluster.peerProxy("b")[disturb]());
        expect(reply).toMatchObject({ digest: sentDigest, copies: 1, wanted: 2 });
        expect(await mustPut(a.url, "next", "with the peer still out of reach")).toMatchObject({
          copies: 1,
          wanted: 2,
        });
        cluster.peerProxy("b").heal();
        await cluster.waitUntilSettled();
        await checkWithSha256sum(b, NAMESPACE, [sentDigest, sha256("with the peer still out of reach")]);
        await waitUntil("nothing of the broken stream is left", () => listIncoming(b).length === 0);
        await waitUntil("puts have two copies again", async () => (await mustPut(a.url, "later", "both")).copies === 2);
      });
    },
  );

  it("and a third node lives, the put succeeds and every node ends with the bytes", async () => {
    await withCluster({ nodes: 3, engine: "sqlite" }, async (cluster) => {
      let victim = cluster.node("b");
      const { reply, sentDigest } = await uploadWhile(cluster, async () => {
        victim = cluster.nodes.find((node) => node.name !== "a" && listIncoming(node).length > 0) ?? victim;
        await victim.kill("SIGKILL");
      });
      expect(reply).toMatchObject({ digest: sentDigest, wanted: 3 });
      await victim.restart();
      await cluster.waitUntilAllSeeAll();
      await cluster.waitUntilSettled();
      for (const node of cluster.nodes) await checkWithSha256sum(node, NAMESPACE, [sentDigest]);
    });
  });
});

/** Puts a large file through node a and runs `disturb` when a peer has stored some of it. */
async function uploadWhile(cluster: Cluster, disturb: () => Promise<void>): ReturnType<SlowUpload["finish"]> {
  const upload = SlowUpload.begin(cluster.node("a").url, "big", CHUNK.length * CHUNKS);
  const peers = cluster.nodes.filter((node) => node.name !== "a");
  for (let sent = 0; sent < CHUNKS; sent += 1) {
    await upload.send(CHUNK);
    if (sent !== CHUNKS / 4) continue;
    await waitUntil("a peer stores the beginning", () => peers.some((node) => listIncoming(node).length > 0));
    await disturb();
  }
  return upload.finish();
}
