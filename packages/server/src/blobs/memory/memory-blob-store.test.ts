import { describeBlobStoreConformance } from "../blob-store-conformance.js";
import { MemoryBlobStore } from "./memory-blob-store.js";

describeBlobStoreConformance(
  "MemoryBlobStore",
  async () => {
    const store = new MemoryBlobStore();
    return {
      store,
      damage: async (ref, bytes) => store.damage(ref, bytes),
      leftovers: async () => [],
      close: async () => {},
    };
  },
  { holdsBlobsInMemoryBecause: "holding them is its purpose" },
);
