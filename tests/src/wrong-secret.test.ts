import { describe, expect, it } from "vitest";
import { listBlobFiles } from "./harness/blobs-on-disk.js";
import { mustGet, mustPut } from "./harness/raw-files.js";
import { withCluster } from "./harness/use-cluster.js";

describe("a node with the wrong cluster secret", () => {
  it("is refused before it is entered anywhere, and the others go on as if it had not been there", async () => {
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      await mustPut(a.url, "before", "bytes of the cluster");
      const intruder = await cluster.prepareNode("z", { CLUSTER_SECRET: "a guess" });
      const { code } = await intruder.startAndFail();
      expect(code).toBe(78);
      expect(intruder.log()).toContain("peer_refused");
      expect(intruder.log()).toContain("KOBOLDFS_CLUSTER_SECRET");
      const reply = await mustPut(a.url, "after", "more bytes of the cluster");
      expect(reply).toMatchObject({ copies: 2, wanted: 2 });
      expect(listBlobFiles(intruder)).toEqual([]);
      expect((await mustGet(b.url, "after")).toString()).toBe("more bytes of the cluster");
    });
  });
});
