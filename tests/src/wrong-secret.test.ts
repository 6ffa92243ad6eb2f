import { describe, expect, it } from "vitest";
import { listBlobFiles } from "./harness/blobs-on-disk.js";
import { getFile, mustGet, mustPut } from "./harness/raw-files.js";
import { withCluster } from "./harness/use-cluster.js";

describe("a node with the wrong cluster secret", () => {
  it("gets no bytes from the others and gives none to them", async () => {
    await withCluster({ nodes: 2, engine: "sqlite" }, async (cluster) => {
      const [a, b] = [cluster.node("a"), cluster.node("b")];
      await mustPut(a.url, "before", "bytes of the cluster");
      const intruder = await cluster.prepareNode("z", { CLUSTER_SECRET: "a guess" });
      await startIfItDares(intruder);
      const reply = await mustPut(a.url, "after", "more bytes of the cluster");
      expect(reply.copies).toBe(2);
      expect(listBlobFiles(intruder)).toEqual([]);
      if (intruder.isRunning) {
        expect((await getFile(intruder.url, "before")).status).toBe(503);
        const own = await mustPut(intruder.url, "own", "bytes of the intruder");
        expect(own.copies).toBe(1);
        for (const node of [a, b]) expect((await getFile(node.url, "own")).status).toBe(503);
      }
      expect((await mustGet(b.url, "after")).toString()).toBe("more bytes of the cluster");
    });
  });
});

/** Refusing to start would be as good as being refused by its peers. */
async function startIfItDares(node: { start(): Promise<void> }): Promise<void> {
  await node.start().catch(() => {});
}
