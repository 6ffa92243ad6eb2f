import { describeBlobStoreConformance } from "../../blobs/blob-store-conformance.js";
import { makeVolumes } from "../../blobs/disk/test-volumes.js";
import { MemoryBlobStore } from "../../blobs/memory/memory-blob-store.js";
import { RemoteBlobStore } from "../../blobs/remote/remote-blob-store.js";
import { startNodeFace } from "./test-node-face.js";

describeBlobStoreConformance("RemoteBlobStore over a node with a disk", async () => {
  const made = await makeVolumes({ count: 1 });
  const face = await startNodeFace(made.set);
  const close = async () => {
    await face.close();
    await made.close();
  };
  return { store: new RemoteBlobStore(face.peer), damage: made.damage, leftovers: made.leftovers, close };
});

describeBlobStoreConformance(
  "RemoteBlobStore over a node with blobs in memory",
  async () => {
    const blobs = new MemoryBlobStore();
    const face = await startNodeFace(blobs);
    return {
      store: new RemoteBlobStore(face.peer),
      damage: async (ref, bytes) => blobs.damage(ref, bytes),
      leftovers: async () => [],
      close: () => face.close(),
    };
  },
  { holdsBlobsInMemoryBecause: "the peer of this test keeps its blobs in memory" },
);
