import { describeUploadStoreConformance } from "../upload-store-conformance.js";
import { MemoryUploadStore } from "./memory-upload-store.js";

describeUploadStoreConformance("MemoryUploadStore", async () => {
  const store = new MemoryUploadStore();
  return {
    store,
    reopen: async () => store,
    keptBytes: async () => store.heldBytes,
    damage: async ({ id }) => store.damage(id),
    close: async () => {},
  };
});
