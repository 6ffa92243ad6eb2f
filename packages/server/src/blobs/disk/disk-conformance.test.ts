import { describeBlobStoreConformance } from "../blob-store-conformance.js";
import { makeVolumes } from "./test-volumes.js";

describeBlobStoreConformance("DiskVolume", async () => {
  const made = await makeVolumes({ count: 1 });
  const [store] = made.set.volumes;
  if (store === undefined) throw new Error("no volume was made");
  return { ...made, store };
});

describeBlobStoreConformance("VolumeSet", async () => {
  const made = await makeVolumes({ count: 3 });
  return { ...made, store: made.set };
});
