import { describeMirrorConformance } from "../mirror-conformance.js";
import { MemoryMirror } from "./memory-mirror.js";

describeMirrorConformance("memory", async () => ({
  open: async (clusterId) => new MemoryMirror(clusterId),
  isDurable: false,
  remove: async () => {},
}));
